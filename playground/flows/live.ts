// Changes as they are committed: one subscription over WebSocket that goes on where it was cut off.
import { createClient } from "graphql-ws";
import { key, keyHeader } from "../shell/key";
import { socketAt } from "../shell/server";
import { REACHED, whenBack } from "./back";
import { Problem, sentenced, type Session } from "./client";
import { NowDocument, type NowQuery, type TypedDocumentString } from "./generated/graphql";

/** Waiting mends itself; what is refused stays so until another key is given, or somebody comes back to the window. */
export interface Connection {
  state: "connecting" | "live" | "waiting" | "refused";
  why?: string;
}

export const CONNECTING: Connection = { state: "connecting" };

/** `missed` is called whenever changes may have passed unseen: what is shown has to be read again. */
export interface Listener<C> {
  changed(change: C): void;
  missed(): void;
  connection(connection: Connection): void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** Milliseconds after which a connection counts as one that worked, so that the next is tried soon. */
const LASTED = 5_000;
/** Milliseconds that a connection stays open without an operation: another comes as soon as the place of now is known. */
const KEPT = 1_000;
/** Codes of errors, and of closes, by which the server says that this caller is not to watch this. */
const REFUSED = new Set(["BAD_REQUEST", "WORKSPACE_REQUIRED", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "4400", "4401", "4403"]);

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
  let lost = false;
  let shown: string | null = null;
  const client = createClient({
    url: socketAt("graphql"),
    connectionParams: () => {
      shown = key();
      return { "x-workspace-id": session.workspace, ...keyHeader() };
    },
    retryAttempts: 0,
    lazyCloseTimeout: KEPT,
    on: { connected },
  });

  function connected(): void {
    listener.connection({ state: "live" });
    if (lost) dispatchEvent(new Event(REACHED));
    lost = false;
  }

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
      if (errors?.[0]) throw new Problem(String(errors[0].extensions?.code), errors[0].message);
      if (!data || stopped) continue;
      cursor = data.messageFlowChanged.cursor;
      listener.changed(data.messageFlowChanged);
    }
  }

  async function on(): Promise<void> {
    while (!stopped) {
      listener.connection(CONNECTING);
      const began = Date.now();
      const { code, message } = await once().then(() => CUT_OFF, endOf);
      if (stopped) return;
      if (Date.now() - began > LASTED) wait = FIRST_WAIT;
      if (code === "RESYNC_REQUIRED") cursor = null;
      else if (!REFUSED.has(code)) await waiting();
      else if (key() === shown) {
        listener.connection({ state: "refused", why: sentenced(message) });
        await untilBack();
      }
    }
  }

  async function waiting(): Promise<void> {
    lost = true;
    listener.connection({ state: "waiting" });
    await untilBack(wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  void on();
  return () => {
    stopped = true;
    void client.dispose();
  };
}

const CUT_OFF = { code: "", message: "" };

/** Subscriptions end by a refusal (a list of errors, or a problem of ours) or by a socket that closes. */
function endOf(end: unknown): { code: string; message: string } {
  if (end instanceof Problem) return end;
  if (Array.isArray(end)) return { code: String(end[0]?.extensions?.code ?? ""), message: String(end[0]?.message ?? "") };
  const { code, reason } = end as Partial<CloseEvent>;
  return { code: String(code ?? ""), message: reason ?? "" };
}

/** For as many milliseconds at most, if any are named. */
function untilBack(milliseconds?: number): Promise<void> {
  return new Promise((resume) => {
    const timer = milliseconds === undefined ? undefined : setTimeout(over, milliseconds);
    const unfollow = whenBack(over);
    function over(): void {
      clearTimeout(timer);
      unfollow();
      resume();
    }
  });
}
