// The playground: GraphiQL with an explorer, live changes and tabs that run as they stand.
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "../shell/shell.css";
import "./playground.css";
import "./workers";
import { at, exampleFlow, exampleWorkspace, hasIntrospection, needsKey } from "../shell/server";
import { key, keyIfNeeded, offerKey, withKey } from "../shell/key";
import { followTheme } from "../shell/theme";
import { disk } from "./disk";
import { Editors } from "./editors";
import { fetcher } from "./fetcher";
import { leftOpen } from "./left";
import { LIVE_PLUGIN } from "./live";
import { firstTabs, HEADERS, hasSubscriptions, type Tab } from "./tabs";

const PLUGINS = [
  HISTORY_PLUGIN,
  ...(hasIntrospection ? [explorerPlugin()] : []),
  ...(hasSubscriptions ? [LIVE_PLUGIN] : []),
];

function Playground({ tabs }: { tabs: Tab[] }) {
  const [left] = useState(() => leftOpen(tabs));
  return (
    <>
      {!hasIntrospection && (
        <p className="notice" role="note">
          This server does not tell its schema (MESSAGE_FLOWS_INTROSPECTION is off): no completion and no documentation
          here, but every operation runs.
        </p>
      )}
      <GraphiQL
        fetcher={fetcher}
        plugins={PLUGINS}
        schema={hasIntrospection ? undefined : null}
        defaultTabs={tabs}
        initialQuery={left.query}
        initialVariables={left.variables}
        initialHeaders={HEADERS}
        defaultHeaders={HEADERS}
        defaultEditorToolsVisibility={isWide && "variables"}
        storage={disk}
        shouldPersistHeaders={false}
        showPersistHeadersSettings={false}
      >
        <GraphiQL.Logo>
          <Editors />
        </GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

/** The example flow's version, for the tab about conflicts; 0, which it begins with, where that cannot be read. */
async function version(): Promise<number> {
  if (needsKey && !key()) return 0;
  try {
    const headers = { "content-type": "application/json", "x-workspace-id": exampleWorkspace };
    const body = JSON.stringify({ query: "query($id: ID!) { messageFlow(id: $id) { version } }", variables: { id: exampleFlow } });
    const answer = await withKey((key) => fetch(at("graphql"), { method: "POST", headers: { ...headers, ...key }, body }));
    return (await answer.json()).data.messageFlow.version;
  } catch {
    return 0;
  }
}

/** Where there is little room the operation has it. */
const isWide = matchMedia("(min-width: 701px)").matches;

followTheme();
await keyIfNeeded();
const root = createRoot(document.getElementById("page")!);
const tabs = firstTabs(await version(), new Date());
let shown = 0;
const show = () => root.render(<Playground key={shown++} tabs={tabs} />);
offerKey(show);
show();
