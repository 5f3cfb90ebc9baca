// The flow page as a whole: whose flows, which of them, and what was last told.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { Problem, Session } from "./client";
import { FlowPage } from "./flow-page";
import { ListPage } from "./list-page";
import { type Notice, Notices, Telling } from "./notices";
import { go, hrefOf, mayLeave, rewrite, usePlace } from "./router";
import { mistakeIn, remember, remembered } from "./session";
import { SessionBar } from "./session-bar";

export function App() {
  const place = usePlace();
  const session = useMemo(() => remembered(place.search), [place.search.get("workspace")]);
  const [required, setRequired] = useState("");
  const refusal = (session && mistakeIn(session)) || required;
  const [notice, tell] = useState<Notice | null>(null);

  const open = async (next: Session) => {
    const isAnother = next.workspace !== session?.workspace;
    if (isAnother && !(await mayLeave())) return;
    remember(next);
    setRequired("");
    if (isAnother) await go(hrefOf({ flow: null, search: inWorkspace(next, place.search) }));
  };
  const failed = useCallback((problem: Problem) => {
    if (problem.code === "WORKSPACE_REQUIRED") setRequired(problem.message);
  }, []);

  useEffect(() => {
    if (!session) return;
    remember(session);
    rewrite(hrefOf({ flow: place.flow, search: inWorkspace(session, place.search) }));
  }, [session]);

  return (
    <Telling.Provider value={tell}>
      <div class="flows">
        <SessionBar session={session} refusal={refusal} open={(next) => void open(next)} key={session?.workspace} />
        {session && !refusal && <Shown session={session} flow={place.flow} search={place.search} failed={failed} />}
        {!session && <Welcome />}
      </div>
      <Notices notice={notice} tell={tell} />
    </Telling.Provider>
  );
}

interface ShownProps {
  session: Session;
  flow: string | null;
  search: URLSearchParams;
  failed(problem: Problem): void;
}

function Shown({ session, flow, search, failed }: ShownProps) {
  const { workspace } = session;
  if (flow === null) return <ListPage session={session} search={search} failed={failed} key={workspace} />;
  return <FlowPage session={session} id={flow} failed={failed} key={`${workspace}\n${flow}`} />;
}

function Welcome() {
  return (
    <div class="empty">
      <h1>Message flows</h1>
      <p>Name a workspace to see its flows.</p>
    </div>
  );
}

function inWorkspace({ workspace }: Session, search: URLSearchParams): URLSearchParams {
  const kept = search.get("workspace") === workspace ? search : new URLSearchParams();
  if (workspace) kept.set("workspace", workspace);
  return kept;
}
