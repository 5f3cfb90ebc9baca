// The history of a flow, newest first: who, when, by which door, why, and each leaf before and after.
import { useEffect, useRef, useState } from "preact/hooks";
import { AnotherKey } from "./another-key";
import { useRetry } from "./back";
import { ask, codeOf, type Session, told } from "./client";
import { type FormFragment, HistoryDocument, type HistoryQuery } from "./generated/graphql";
import { Moment } from "./moment";
import { RevertDialog } from "./revert-dialog";
import { Changes } from "./changes";

export type Revision = NonNullable<HistoryQuery["messageFlow"]>["revisions"]["nodes"][number];

const PAGE = 10;
const DONE: Record<Revision["operation"], string> = {
  CREATE: "Created",
  UPDATE: "Changed",
  REVERT: "Reverted",
  DELETE: "Deleted",
  RESTORE: "Restored",
  IMPORT: "Imported",
};
const DOORS: Record<Revision["source"], string> = { GRAPHQL: "GraphQL", REST: "REST", CLI: "command line" };

interface Props {
  session: Session;
  flow: FormFragment;
  unsaved: boolean;
  /** Of a flow that was deleted: to be read only. */
  locked: boolean;
  reverted(flow: FormFragment): void;
}

export function History({ session, flow, unsaved, locked, reverted }: Props) {
  const { revisions, more, problem, loadMore } = useHistory(session, flow);
  const [chosen, setChosen] = useState<Revision | null>(null);
  return (
    <section class="card history" id="history" aria-labelledby="history-heading">
      <h2 id="history-heading">History</h2>
      {problem && (
        <p class="faint">
          {told(problem)} <AnotherKey code={codeOf(problem)} />
        </p>
      )}
      <ol>
        {revisions.map((revision) => (
          <li key={revision.id} class={revision.operation.toLowerCase()}>
            <p class="what">
              <b>{DONE[revision.operation]}</b> <Moment at={revision.at} />
              {!locked && revision.version < flow.version && revision.operation !== "DELETE" && (
                <button class="link" onClick={() => setChosen(revision)}>
                  Revert to version {revision.version}
                </button>
              )}
            </p>
            <p class="who">
              Version {revision.version} by {revision.actor}, {DOORS[revision.source]}
            </p>
            {revision.note && <q class="note">{revision.note}</q>}
            <Changes changes={revision.changes} isNew={revision.version === 0} />
          </li>
        ))}
      </ol>
      {more && <button onClick={loadMore}>Earlier changes</button>}
      {chosen && (
        <RevertDialog session={session} flow={flow} version={chosen.version} unsaved={unsaved} closed={() => setChosen(null)} reverted={reverted} />
      )}
    </section>
  );
}

function useHistory(session: Session, flow: FormFragment) {
  const [revisions, setRevisions] = useState<Revision[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const asked = useRef(0);

  async function load(after: string | null): Promise<void> {
    const number = ++asked.current;
    try {
      const { messageFlow } = await ask(session, HistoryDocument, { id: flow.id, first: PAGE, after });
      if (number !== asked.current || !messageFlow) return;
      const { nodes, pageInfo } = messageFlow.revisions;
      setRevisions((before) => (after ? [...before, ...nodes] : nodes));
      setCursor(pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null);
      setProblem(null);
    } catch (error) {
      if (number === asked.current) setProblem(error);
    }
  }

  useEffect(() => {
    void load(null);
  }, [flow.version]);
  useRetry(problem !== null, () => void load(null));
  return { revisions, more: cursor !== null, problem, loadMore: () => void load(cursor) };
}
