// Workspace and key of this browser session; the key is kept in sessionStorage alone and never in an address.
import { exampleWorkspace, needsKey } from "../shell/server";
import type { Session } from "./client";

const WORKSPACE = "message-flows:workspace";
const KEY = "message-flows:key";

/** What was given before, or the address names; null while the server needs to be told more. */
export function remembered(search: URLSearchParams): Session | null {
  const workspace = search.get("workspace") ?? sessionStorage.getItem(WORKSPACE) ?? "";
  const key = (needsKey && sessionStorage.getItem(KEY)) || "";
  return (needsKey ? key : workspace) ? { workspace, key } : null;
}

export function remember({ workspace, key }: Session): void {
  sessionStorage.setItem(WORKSPACE, workspace);
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

export function proposed(): string {
  return sessionStorage.getItem(WORKSPACE) ?? (needsKey ? "" : exampleWorkspace);
}
