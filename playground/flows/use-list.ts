// One page of flows, read again shortly after anything in the workspace has changed.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useRetry, whenBack } from "./back";
import { ask, Problem, type Session, WRITTEN } from "./client";
import { AnyFlowChangedDocument, ListDocument, type ListQuery } from "./generated/graphql";
import { variablesOf } from "./list-search";
import { type Connection, CONNECTING, listen } from "./live";

/** Milliseconds in which changes are gathered, so that a busy workspace costs a read or two a second. */
const GATHERED = 400;

export type Page = ListQuery["messageFlows"];

export interface List {
  page: Page | null;
  problem: Problem | null;
  loading: boolean;
  connection: Connection;
  /** Ids of flows that somebody has just changed. */
  changed: ReadonlySet<string>;
  again(): void;
}

export function useList(session: Session, search: URLSearchParams): List {
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [loading, setLoading] = useState(true);
  const [connection, setConnection] = useState(CONNECTING);
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set());
  const asked = useRef(0);
  const query = search.toString();

  const again = useCallback(async () => {
    const number = ++asked.current;
    setLoading(true);
    try {
      const { messageFlows } = await ask(session, ListDocument, variablesOf(new URLSearchParams(query)));
      if (number !== asked.current) return;
      setPage(messageFlows);
      setProblem(null);
    } catch (error) {
      if (number === asked.current) setProblem(error as Problem);
    }
    if (number === asked.current) setLoading(false);
  }, [query]);

  const newest = useRef(again);
  newest.current = again;
  useEffect(() => void again(), [again]);
  useEffect(() => {
    let timer = 0;
    const soon = () => {
      timer ||= window.setTimeout(() => {
        timer = 0;
        void newest.current();
      }, GATHERED);
    };
    const unwatch = listen(session, AnyFlowChangedDocument, {}, {
      changed: ({ messageFlowId }) => {
        setChanged((ids) => new Set([...ids, messageFlowId]));
        soon();
      },
      missed: soon,
      connection: setConnection,
    });
    addEventListener(WRITTEN, soon);
    const unfollow = whenBack(soon);
    return () => {
      unfollow();
      removeEventListener(WRITTEN, soon);
      clearTimeout(timer);
      unwatch();
    };
  }, []);
  useRetry(problem !== null, () => void newest.current());
  return { page, problem, loading, connection, changed, again: () => void again() };
}
