// One GraphQL request over HTTP: typed by its document, refused with a code and a sentence.
import { withKey } from "../shell/key";
import { at } from "../shell/server";
import type { TypedDocumentString } from "./generated/graphql";

/** Whose flows are meant. */
export interface Session {
  workspace: string;
}

/** A request that was not carried out; `UNREACHABLE` when nobody knows whether it was. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Told to the window after each mutation: a list shows it at once, also while no changes arrive by themselves. */
export const WRITTEN = "flows:written";

const KEYLESS = "No valid API key was given. The button “API key…” above takes one.";

interface Body<R> {
  data?: R | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** A `trial` is a mutation that changes nothing and that nobody has chosen: it never asks for another key. */
export async function ask<R, V>(session: Session, document: TypedDocumentString<R, V>, variables: V, trial = false): Promise<R> {
  const writes = !trial && document.toString().trimStart().startsWith("mutation");
  const body = await answered<R>(session, JSON.stringify({ query: document.toString(), variables }), writes);
  const [error] = body.errors ?? [];
  if (error) throw refused(error.extensions?.code ?? "INTERNAL", error.message);
  if (!body.data) throw new Problem("INTERNAL", "The answer has no data.");
  if (writes) dispatchEvent(new Event(WRITTEN));
  return body.data;
}

function refused(code: string, message: string): Problem {
  return new Problem(code, code === "UNAUTHENTICATED" ? KEYLESS : sentenced(message));
}

async function answered<R>(session: Session, body: string, chosen: boolean): Promise<Body<R>> {
  const send = (key: Record<string, string>) => fetch(at("graphql"), { method: "POST", headers: { ...headers(session), ...key }, body });
  try {
    const response = await withKey(send, chosen);
    return (await response.json()) as Body<R>;
  } catch {
    throw new Problem("UNREACHABLE", "The server cannot be reached, or its answer got lost on the way.");
  }
}

function headers({ workspace }: Session): Record<string, string> {
  const sent: Record<string, string> = { "content-type": "application/json" };
  if (workspace) sent["x-workspace-id"] = workspace;
  return sent;
}

/** The same request again while nobody knows whether it was carried out; safe for reads and under an idempotency key. */
export async function persistently<R>(request: () => Promise<R>, waits = [300, 1500]): Promise<R> {
  try {
    return await request();
  } catch (error) {
    const [wait, ...rest] = waits;
    if (wait === undefined || codeOf(error) !== "UNREACHABLE") throw error;
    await new Promise((resume) => setTimeout(resume, wait));
    return persistently(request, rest);
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Problem ? error.code : "INTERNAL";
}

export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The server's messages begin small, as parts of a line of a log do. */
export function sentenced(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1);
}
