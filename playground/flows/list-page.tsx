// The flows of a workspace: filtered, ordered, a page at a time, and new ones made.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { AnotherKey } from "./another-key";
import { codeOf, type Problem, type Session } from "./client";
import { ConnectionDot } from "./connection";
import { CreateDialog } from "./create-dialog";
import { Filters } from "./filters";
import { FlowTable } from "./flow-table";
import { Heading, resume, startAtTop } from "./heading";
import { isFiltered, rememberList, withMember } from "./list-search";
import { go, hrefOf, rewrite } from "./router";
import { type List, useList } from "./use-list";

interface Props {
  session: Session;
  search: URLSearchParams;
  failed(problem: Problem): void;
}

export function ListPage({ session, search, failed }: Props) {
  const list = useList(session, search);
  const [creating, setCreating] = useState(false);
  useEffect(() => {
    document.title = "Flows · Message Flows";
  }, []);
  useEffect(() => {
    if (list.problem) failed(list.problem);
  }, [list.problem]);
  useLayoutEffect(() => {
    if (!list.loading) resume();
  }, [list.loading]);
  useEffect(() => rememberList(search), [search.toString()]);
  const show = (next: URLSearchParams) => rewrite(hrefOf({ flow: null, search: next }));
  return (
    <section aria-labelledby="list-heading" class="list-page">
      <header class="page-head">
        <Heading id="list-heading">
          Flows {list.page && <span class="count">{list.page.totalCount.toLocaleString("en")}</span>}
        </Heading>
        <ConnectionDot {...list.connection} />
        <button class="primary" onClick={() => setCreating(true)}>
          New flow
        </button>
      </header>
      <Filters search={search} changed={show} />
      <div aria-busy={list.loading} class={list.loading ? "results loading" : "results"}>
        <Results list={list} session={session} search={search} />
      </div>
      {list.page && <Pages page={list.page} search={search} />}
      {creating && (
        <CreateDialog
          session={session}
          closed={() => setCreating(false)}
          created={(id) => void go(hrefOf({ flow: id, search: withWorkspace(session) }))}
        />
      )}
    </section>
  );
}

function Results({ list, session, search }: { list: List; session: Session; search: URLSearchParams }) {
  if (list.problem) {
    return (
      <div class="empty" role="alert">
        <h2>{codeOf(list.problem) === "UNREACHABLE" ? "No answer" : "The list cannot be shown"}</h2>
        <p>{list.problem.message}</p>
        <button onClick={list.again}>Try again</button> <AnotherKey code={list.problem.code} />
      </div>
    );
  }
  if (!list.page) return <Skeleton />;
  if (!list.page.nodes.length) {
    return (
      <div class="empty">
        <h2>{isFiltered(search) ? "No flow matches" : "No flows yet"}</h2>
        <p>{isFiltered(search) ? "Loosen or clear the filters." : "Make the first one with “New flow”."}</p>
      </div>
    );
  }
  return <FlowTable flows={list.page.nodes} workspace={session.workspace} changed={list.changed} />;
}

function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="unseen">Loading…</span>
      {Array.from({ length: 6 }, (_, row) => (
        <div key={row} aria-hidden="true" />
      ))}
    </div>
  );
}

function Pages({ page, search }: { page: NonNullable<List["page"]>; search: URLSearchParams }) {
  const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
  if (!hasNextPage && !hasPreviousPage) return null;
  const turn = (name: "after" | "before", cursor?: string | null) =>
    void go(hrefOf({ flow: null, search: withMember(search, name, cursor ?? "") })).then(startAtTop);
  return (
    <nav class="pages" aria-label="Pages of the list">
      <button disabled={!hasPreviousPage} onClick={() => turn("before", startCursor)}>
        ← Previous
      </button>
      <button disabled={!hasNextPage} onClick={() => turn("after", endCursor)}>
        Next →
      </button>
    </nav>
  );
}

function withWorkspace({ workspace }: Session): URLSearchParams {
  return new URLSearchParams(workspace ? { workspace } : {});
}
