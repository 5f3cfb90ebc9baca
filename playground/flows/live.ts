// Changes as they are committed: one subscription over WebSocket that goes on where it was cut off.
import { type Client, createClient } from "graphql-ws";
import { keyHeader, NEW_KEY } from "../shell/key";
import { socketAt } from "../shell/server";
import { Problem, type Session } from "./client";
import type { TypedDocumentString } from "./generated/graphql";

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
/** Milliseconds in which a subscription that was sent has begun. */
const BEGUN = 300;

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
  const client = connected(session, () => {
    listener.connection("live");
    if (cursor === null) missed();
  });

  /** Read again when the subscription has begun, so that nothing falls between the two. */
  function missed(): void {
    setTimeout(() => stopped || listener.missed(), BEGUN);
  }

  async function once(): Promise<void> {
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
        missed();
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
  return createClient({ url: socketAt("graphql"), connectionParams: who, retryAttempts: 0, on: { connected: then } });
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
