// A pane beside the editors that tells every change of the workspace as it happens, whatever tab is open.
import { useEffect, useState } from "react";
import { useGraphiQL, type GraphiQLPlugin } from "@graphiql/react";
import { createClient } from "graphql-ws";
import { socketAt } from "../shell/server";
import { keyHeader } from "../shell/key";
import { HEADERS } from "./tabs";
import { sentence } from "./watching";
import { workspaceOf } from "./workspace";

const CHANGES = `subscription LiveChanges {
  messageFlowChanged { cursor operation messageFlowId version changedFields messageFlow { name } }
}`;
const MOST = 100;

interface Change {
  cursor: string;
  operation: string;
  messageFlowId: string;
  version: number;
  changedFields: string[];
  messageFlow: { name: string } | null;
}

interface Seen extends Change {
  at: string;
}

function Live() {
  const headers = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.headers ?? HEADERS);
  const workspace = workspaceOf(headers);
  const [seen, setSeen] = useState<Seen[]>([]);
  const [state, setState] = useState("Connecting…");
  useEffect(() => {
    setSeen([]);
    return listen(workspace, setState, (change) => setSeen((before) => [change, ...before].slice(0, MOST)));
  }, [workspace]);
  return (
    <section className="live" aria-label="Live changes">
      <h2 className="live-title">Live changes</h2>
      <p role="status">{state}</p>
      <ol>
        {seen.map((change) => (
          <li key={change.cursor}>
            <p className="live-what">
              <time>{change.at}</time> <b>{change.operation.toLowerCase()}</b> to version {change.version}
            </p>
            <p>{change.messageFlow?.name ?? change.messageFlowId}</p>
            {change.changedFields.map((path) => (
              <code key={path}>{path}</code>
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Listens until the function that it answers is called. */
function listen(workspace: string, tell: (state: string) => void, heard: (change: Seen) => void): () => void {
  let refused = false;
  const client = createClient({
    url: socketAt("graphql"),
    connectionParams: () => ({ "x-workspace-id": workspace, ...keyHeader() }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    on: {
      connected: () => tell(`Listening to workspace ${workspace}. Run a mutation in any tab.`),
      closed: () => refused || tell("The connection is closed; trying again…"),
    },
  });
  const stop = client.subscribe<{ messageFlowChanged: Change }>(
    { query: CHANGES },
    {
      next: ({ data, errors }) => {
        if (errors) tell(errors[0].message);
        if (data) heard({ ...data.messageFlowChanged, at: new Date().toLocaleTimeString() });
      },
      error: (error) => {
        refused = true;
        tell(sentence(error));
      },
      complete: () => {},
    },
  );
  return () => {
    stop();
    void client.dispose();
  };
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinejoin="round" aria-hidden="true">
      <path d="M13 2 4 14h7l-1 8 9-12h-7z" />
    </svg>
  );
}

export const LIVE_PLUGIN: GraphiQLPlugin = { title: "Live changes", content: Live, icon: Icon };
