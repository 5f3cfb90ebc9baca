// The team's operations with graphql-codegen's client preset.
import { graphql, unmasked } from '../build/codegen';
import type { FormFragment, SavedFragment, UpdateMessageFlowInput } from '../build/codegen/graphql';
import { type Client, NEW_FLOW, play, type Saved } from './story';
import { inWorkspace } from './transport';

const execute = inWorkspace('codegen');

const Form = graphql(`
  fragment Form on MessageFlow {
    id
    version
    name
    autopilot
    settings {
      responseSettings {
        delay
        workingHours {
          enabled
          start
          end
        }
      }
      emailSettings {
        subjectLine
      }
    }
  }
`);

const SavedParts = graphql(`
  fragment Saved on UpdateMessageFlowPayload {
    messageFlow {
      ...Form
    }
    changedFields
    rebasedFrom
    replayed
    errors {
      code
      message
      path
    }
  }
`);

const Create = graphql(`
  mutation Create($input: CreateMessageFlowInput!) {
    createMessageFlow(input: $input) {
      messageFlow {
        ...Form
      }
      errors {
        message
      }
    }
  }
`);

const ListPage = graphql(`
  query ListPage($size: Int!, $after: String) {
    messageFlows(first: $size, after: $after, orderBy: { field: NAME, direction: ASC }) {
      totalCount
      nodes {
        ...Form
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const Detail = graphql(`
  query Detail($id: ID!) {
    messageFlow(id: $id) {
      ...Form
    }
  }
`);

const Save = graphql(`
  mutation Save($id: ID!, $input: UpdateMessageFlowInput!, $ifVersion: Int, $onConflict: ConflictPolicy! = REJECT) {
    updateMessageFlow(id: $id, input: $input, ifVersion: $ifVersion, onConflict: $onConflict) {
      ...Saved
    }
  }
`);

const Toggle = graphql(`
  mutation Toggle($id: ID!, $key: String!) {
    updateMessageFlow(id: $id, input: { toggleAutopilot: true }, idempotencyKey: $key) {
      messageFlow {
        autopilot
      }
      replayed
      errors {
        message
      }
    }
  }
`);

const client: Client = {
  async create(name) {
    const input = { ...NEW_FLOW, name, direction: 'BIDIRECTIONAL', messageChannel: 'SMS' } as const;
    const { createMessageFlow } = await execute(Create, { input });
    return flow(unmasked(Form, createMessageFlow.messageFlow));
  },
  async page(size, after) {
    const { nodes, pageInfo } = (await execute(ListPage, { size, after })).messageFlows;
    return { flows: unmasked(Form, nodes).map(flow), next: pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null };
  },
  async detail(id) {
    const { messageFlow } = await execute(Detail, { id });
    return messageFlow ? flow(unmasked(Form, messageFlow)) : null;
  },
  async save({ id, version }, settings) {
    const { updateMessageFlow } = await execute(Save, { id, input: { settings }, ifVersion: version });
    return saved(unmasked(SavedParts, updateMessageFlow));
  },
  async rebase({ id, version }, settings) {
    const input: UpdateMessageFlowInput = { settings };
    const { updateMessageFlow } = await execute(Save, { id, input, ifVersion: version, onConflict: 'MERGE' });
    return saved(unmasked(SavedParts, updateMessageFlow));
  },
  async toggle(id, key) {
    const { messageFlow, replayed, errors } = (await execute(Toggle, { id, key })).updateMessageFlow;
    if (!messageFlow) throw new Error(errors.map((error) => error.message).join('; '));
    return { autopilot: messageFlow.autopilot, replayed };
  },
};

function flow(form: FormFragment | null | undefined): FormFragment {
  if (!form) throw new Error('a flow was expected');
  return form;
}

function saved({ messageFlow, changedFields, errors }: SavedFragment): Saved {
  const form = flow(unmasked(Form, messageFlow));
  return errors.some((error) => error.code === 'VERSION_CONFLICT') ? { conflict: form } : { flow: form, changedFields };
}

/** What must not compile: each of these lines is an error of the types, or tsc complains that it is none. */
export async function mistakes(): Promise<void> {
  // @ts-expect-error `size` is required
  await execute(ListPage, {});
  // @ts-expect-error no such direction
  await execute(Create, { input: { ...NEW_FLOW, name: 'n', direction: 'SIDEWAYS', messageChannel: 'SMS' } });
  // @ts-expect-error a delay is a number
  await execute(Save, { id: '1', input: { settings: { responseSettings: { delay: '5' } } } });
  // @ts-expect-error an unknown flow is null
  unmasked(Form, (await execute(Detail, { id: '1' })).messageFlow).name;
}

void play(client);
