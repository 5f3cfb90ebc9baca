// The first tabs: each a whole operation on the example flow that runs as it stands, and says what it shows.
import { exampleFlow, exampleWorkspace } from "../shell/server";
import { headersOf } from "./workspace";

export interface Tab {
  query: string;
  variables?: string;
  headers: string;
}

export const HEADERS = headersOf(exampleWorkspace);

declare const HAS_SUBSCRIPTIONS: boolean;

/** As schema.graphql has it: what the server cannot do is not shown. */
export const hasSubscriptions = HAS_SUBSCRIPTIONS;

const FLOW = json({ id: exampleFlow });

/** `version`: the flow's as the page found it; `now`: the moment of that. */
export function firstTabs(version: number, now: Date): Tab[] {
  return [
    { query: READ, variables: FLOW },
    { query: PARTIAL, variables: FLOW },
    { query: TOGGLE, variables: json({ id: exampleFlow, key: `playground-${now.getTime()}` }) },
    { query: CONFLICT, variables: json({ id: exampleFlow, seen: version, theirs: `Edited at ${now.toISOString()}` }) },
    { query: HISTORY, variables: FLOW },
    { query: HOURS, variables: json({ id: exampleFlow, ...week(now) }) },
    ...(hasSubscriptions ? [{ query: LIVE, variables: FLOW }] : []),
  ].map((tab) => ({ ...tab, headers: HEADERS }));
}

function json(value: object): string {
  return JSON.stringify(value, null, 2);
}

function week(now: Date): { from: string; to: string } {
  const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
  const to = new Date(from.getTime() + 7 * 86_400_000);
  return { from: from.toISOString(), to: to.toISOString() };
}

const READ = `\
# Reads one flow with all its settings. Ctrl+Enter (Mac: Cmd+Enter) runs it.
# The header x-workspace-id, below, says whose flows these are.
query ReadFlow($id: ID!) {
  messageFlow(id: $id) {
    id
    name
    version
    isActive
    autopilot
    messageChannel
    settings {
      responseSettings {
        delay
        workingHours {
          enabled
          start
          end
          timezone
          outOfHoursMessage
        }
      }
      security {
        hipaaCompliance
      }
      emailSettings {
        subjectLine
        signature
      }
    }
    updatedAt
  }
}
`;

const PARTIAL = `\
# Changes two settings and nothing else: what is not sent stays as it is, at any depth.
# Null takes a setting back to its default. Run it twice: then changedFields is empty, and no version is made.
mutation PartialUpdate($id: ID!) {
  updateMessageFlow(
    id: $id
    input: {
      settings: {
        responseSettings: { delay: 2.5, workingHours: { timezone: "Europe/Berlin" } }
        emailSettings: { signature: null }
      }
    }
    note: "from the playground"
  ) {
    changedFields
    messageFlow {
      version
      settings {
        responseSettings {
          delay
          workingHours {
            start
            end
            timezone
          }
        }
        emailSettings {
          subjectLine
          signature
        }
      }
    }
    errors {
      code
      message
      path
    }
  }
}
`;

const TOGGLE = `\
# Flips autopilot. A flip that is sent twice, by a retry, would undo itself: with an idempotency key it happens once.
# Run it twice: the second answer is the first one again (replayed), and autopilot stays. Another key flips again.
mutation ToggleAutopilot($id: ID!, $key: String!) {
  updateMessageFlow(id: $id, input: { toggleAutopilot: true }, idempotencyKey: $key) {
    replayed
    changedFields
    messageFlow {
      autopilot
      version
    }
    errors {
      code
      message
    }
  }
}
`;

const CONFLICT = `\
# Two editors who both read version $seen. Theirs comes first; mine, guarded by ifVersion, is refused: nothing is lost.
# With onConflict: MERGE it goes on top of theirs, because the two touch different settings.
# Run it again: now both were changed since $seen, so MERGE is refused too. Set seen to the newest version and go on.
mutation Conflict($id: ID!, $seen: Int!, $theirs: String!) {
  theirs: updateMessageFlow(id: $id, input: { description: $theirs }) {
    changedFields
    messageFlow {
      version
    }
  }
  mine: updateMessageFlow(
    id: $id
    input: { settings: { responseSettings: { workingHours: { outOfHoursMessage: "Back at nine." } } } }
    ifVersion: $seen
  ) {
    changedFields
    errors {
      code
      message
      path
    }
  }
  mineOnTop: updateMessageFlow(
    id: $id
    input: { settings: { responseSettings: { workingHours: { outOfHoursMessage: "Back at nine." } } } }
    ifVersion: $seen
    onConflict: MERGE
  ) {
    rebasedFrom
    changedFields
    messageFlow {
      version
      description
    }
    errors {
      code
      message
      path
    }
  }
}
`;

const HISTORY = `\
# Two operations in one tab: the button asks which of them to run.
# History: who changed what, when, from what to what, newest first.
query History($id: ID!) {
  messageFlow(id: $id) {
    version
    revisions(first: 10) {
      nodes {
        version
        at
        operation
        source
        note
        changes {
          path
          before
          after
        }
      }
    }
  }
}

# Takes the flow back to what it was at version 0; that is a new version, and can itself be reverted.
mutation Revert($id: ID!) {
  revertMessageFlow(id: $id, toVersion: 0, note: "back to the example") {
    changedFields
    messageFlow {
      version
    }
    errors {
      code
      message
    }
  }
}
`;

const HOURS = `\
# Is the flow open now, when does that change, and when is it open in the coming week? Exact across clock changes.
# Working hours that are not enabled are always open: enable them by
# updateMessageFlow(id: "…", input: {settings: {responseSettings: {workingHours: {enabled: true}}}}).
query WorkingHours($id: ID!, $from: DateTime!, $to: DateTime!) {
  messageFlow(id: $id) {
    settings {
      responseSettings {
        workingHours {
          enabled
          start
          end
          timezone
          isOpen
          nextTransition {
            at
            opens
          }
          openings(from: $from, to: $to) {
            from
            to
          }
        }
      }
    }
  }
}
`;

const LIVE = `\
# Tells every change of the flow as it happens, over a WebSocket. It ends when you go to another tab:
# to watch while you run mutations, open "Live changes" at the left edge, or a second window.
subscription Changes($id: ID!) {
  messageFlowChanged(id: $id) {
    operation
    version
    changedFields
    messageFlow {
      name
      autopilot
    }
  }
}
`;
