// The workspace of this browser session; the key is that of all pages, see shell/key.ts.
import { exampleWorkspace, needsKey } from "../shell/server";
import type { Session } from "./client";

const WORKSPACE = "message-flows:workspace";

/** What was given before, or the address names; null while the server needs to be told more. A key may say it all. */
export function remembered(search: URLSearchParams): Session | null {
  const workspace = search.get("workspace") ?? sessionStorage.getItem(WORKSPACE) ?? "";
  return workspace || needsKey ? { workspace } : null;
}

/** What is wrong with a workspace's name, "" if nothing is: the server's rule, for what no header could carry to it too. */
export function mistakeIn({ workspace }: Session): string {
  return /^[\w-]{0,64}$/.test(workspace) ? "" : "A workspace has a name of 1 to 64 of the characters A-Z, a-z, 0-9, _ and -.";
}

export function remember({ workspace }: Session): void {
  sessionStorage.setItem(WORKSPACE, workspace);
}

export function proposed(): string {
  return sessionStorage.getItem(WORKSPACE) ?? (needsKey ? "" : exampleWorkspace);
}
