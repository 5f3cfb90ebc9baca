// Changes as they are committed: one subscription over WebSocket that goes on where it was cut off.
import { type Client, createClient } from "graphql-ws";
import { keyHeader, NEW_KEY } from "../shell/key";
import { socketAt } from "../shell/server";
import { Problem, type Session } from "./client";
import { NowDocument, type NowQuery, type TypedDocumentString } from "./generated/graphql";

export type Connection = "connecting" | "live" | "waiting";

/** `missed` is called whenever changes may have passed unseen: what is shown has to be read again. */
export interface Listener<C> {
  changed(change: C): void;
  missed(): void;
  connection(state: Connection): void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** Milliseconds after which a connection counts as one that worked, so that the next is tried soon. */
const LASTED = 5_000;
/** Milliseconds that a connection stays open without an operation: another comes as soon as the place of now is known. */
const KEPT = 1_000;

/** Listens until the function that it returns is called. */
export function listen<C extends { cursor: string }, V extends { after?: string | null }>(
  session: Session,
  document: TypedDocumentString<{ messageFlowChanged: C }, V>,
  variables: Omit<V, "after">,
  listener: Listener<C>,
): () => void {
  let stopped = false;
  let cursor: string | null = null;
  let wait = FIRST_WAIT;
  const client = connected(session, () => listener.connection("live"));

  /** The place to watch from comes first, then what is shown is read again, so that nothing falls between the two. */
  async function begin(): Promise<void> {
    for await (const { data, errors } of client.iterate<NowQuery>({ query: NowDocument.toString() })) {
      if (errors?.[0]) throw new Problem(String(errors[0].extensions?.code), errors[0].message);
      cursor = data?.changeCursor ?? null;
    }
    if (!stopped) listener.missed();
  }

  async function once(): Promise<void> {
    if (cursor === null) await begin();
    if (stopped) return;
    const asked = { query: document.toString(), variables: { ...variables, after: cursor } };
    for await (const { data, errors } of client.iterate<{ messageFlowChanged: C }>(asked)) {
      const code = errors?.[0]?.extensions?.code;
      if (errors?.[0]) throw new Problem(String(code), errors[0].message);
      if (!data || stopped) continue;
      cursor = data.messageFlowChanged.cursor;
      listener.changed(data.messageFlowChanged);
    }
  }

  async function on(): Promise<void> {
    while (!stopped) {
      listener.connection("connecting");
      const began = Date.now();
      const code = await once().then(() => "", codeOfEnd);
      if (stopped) return;
      if (Date.now() - began > LASTED) wait = FIRST_WAIT;
      if (code === "RESYNC_REQUIRED") {
        cursor = null;
        continue;
      }
      listener.connection("waiting");
      await pause(wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  void on();
  return () => {
    stopped = true;
    void client.dispose();
  };
}

function connected({ workspace }: Session, then: () => void): Client {
  const who = () => ({ "x-workspace-id": workspace, ...keyHeader() });
  return createClient({
    url: socketAt("graphql"),
    connectionParams: who,
    retryAttempts: 0,
    lazyCloseTimeout: KEPT,
    on: { connected: then },
  });
}

/** Subscriptions end by a refusal (a list of errors, or a problem of ours) or by a socket that closes. */
function codeOfEnd(end: unknown): string {
  if (end instanceof Problem) return end.code;
  const [first] = Array.isArray(end) ? end : [];
  return String(first?.extensions?.code ?? "");
}

/** Over sooner when the machine is on line again, or there is another key. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => {
    const timer = setTimeout(over, milliseconds);
    addEventListener("online", over);
    addEventListener(NEW_KEY, over);
    function over(): void {
      clearTimeout(timer);
      removeEventListener("online", over);
      removeEventListener(NEW_KEY, over);
      resume();
    }
  });
}
