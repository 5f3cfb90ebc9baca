// Which flow the address names, moving between addresses, and a guard that asks before unsaved edits are left.
import { useEffect, useState } from "preact/hooks";
import { at } from "../shell/server";

const LIST = at("flows");

export interface Place {
  flow: string | null;
  search: URLSearchParams;
}

type Guard = () => Promise<boolean>;

const MOVED = "flows:moved";
let guard: Guard | null = null;
let here = location.href;
let moves = 0;
let owed: number | null = null;

/** Whoever has unsaved edits says whether they may be left; null takes the guard away. */
export function guardLeaving(ask: Guard | null): void {
  guard = ask;
}

export function placeOf(href: string): Place {
  const url = new URL(href);
  const id = url.pathname.slice(new URL(LIST).pathname.length).replace(/^\/|\/$/g, "");
  return { flow: id ? decoded(id) : null, search: url.searchParams };
}

/** What is not encoded as it should be stands for itself: no flow has such an id. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

export function hrefOf({ flow, search }: Place): string {
  const query = search.toString();
  return (flow === null ? LIST : `${LIST}/${encodeURIComponent(flow)}`) + (query ? `?${query}` : "");
}

/** Once allowed, nothing is asked on the way that follows. */
export async function mayLeave(): Promise<boolean> {
  if (guard && !(await guard())) return false;
  guard = null;
  return true;
}

/** Goes there, unless the guard is against it. */
export async function go(href: string, scrolled: number | null = null): Promise<void> {
  if (!(await mayLeave())) return;
  history.replaceState({ scrolled: scrollY }, "");
  history.pushState(null, "", href);
  moves++;
  owed = scrolled;
  moved();
}

/** Whether this page was come to from another one of ours, not opened by itself. */
export function hasMoved(): boolean {
  return moves > 0;
}

/** How far down the place was left that was come back to; told once. */
export function leftAt(): number | null {
  const scrolled = owed;
  owed = null;
  return scrolled;
}

/** The same place told by another address. */
export function rewrite(href: string): void {
  history.replaceState(null, "", href);
  moved();
}

function moved(): void {
  here = location.href;
  dispatchEvent(new Event(MOVED));
}

addEventListener("popstate", () => {
  const wanted = location.href;
  const scrolled = history.state?.scrolled ?? null;
  if (!guard || page(wanted) === page(here)) {
    moves++;
    owed = scrolled;
    return moved();
  }
  history.pushState(null, "", here);
  void go(wanted, scrolled);
});

/** The address without the place on the page. */
function page(href: string): string {
  return href.replace(/#.*/, "");
}

export function usePlace(): Place {
  const [href, setHref] = useState(location.href);
  useEffect(() => {
    const follow = () => setHref(location.href);
    addEventListener(MOVED, follow);
    return () => removeEventListener(MOVED, follow);
  }, []);
  return placeOf(href);
}

/** Follows a plain click inside the page; anything else (a new tab, say) is left to the browser. */
export function follow(event: MouseEvent): void {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  void go((event.currentTarget as HTMLAnchorElement).href);
}
