// The workspace of this browser session; the key is that of all pages, see shell/key.ts.
import { exampleWorkspace, needsKey } from "../shell/server";
import type { Session } from "./client";

const WORKSPACE = "message-flows:workspace";

/** What was given before, or the address names; null while the server needs to be told more. A key may say it all. */
export function remembered(search: URLSearchParams): Session | null {
  const workspace = search.get("workspace") ?? sessionStorage.getItem(WORKSPACE) ?? "";
  return workspace || needsKey ? { workspace } : null;
}

export function remember({ workspace }: Session): void {
  sessionStorage.setItem(WORKSPACE, workspace);
}

export function proposed(): string {
  return sessionStorage.getItem(WORKSPACE) ?? (needsKey ? "" : exampleWorkspace);
}
