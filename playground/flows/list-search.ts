// The list's filters, order and place as the address tells them, and as the server is asked for them.
import type { ListQueryVariables, MessageFlowFilter, MessageFlowOrder } from "./generated/graphql";
import { CHANNELS, DIRECTIONS } from "./leaves";

export const PAGE = 20;

export const FLAGS = { isActive: "Active", autopilot: "Autopilot", hipaaCompliance: "HIPAA" } as const;

export const ORDERS: Record<string, { label: string; order: MessageFlowOrder }> = {
  newest: { label: "Newest first", order: { field: "CREATED_AT", direction: "DESC" } },
  changed: { label: "Last changed first", order: { field: "UPDATED_AT", direction: "DESC" } },
  name: { label: "By name", order: { field: "NAME", direction: "ASC" } },
  oldest: { label: "Oldest first", order: { field: "CREATED_AT", direction: "ASC" } },
};

export const FILTERS = ["name", "messageChannel", "direction", ...Object.keys(FLAGS)];

/** What an address does not tell, or tells in a way that we do not know, is not asked for. */
export function variablesOf(search: URLSearchParams): ListQueryVariables {
  const { after, before } = Object.fromEntries(search);
  const span = before ? { last: PAGE, before } : { first: PAGE, after: after ?? null };
  const order = ORDERS[search.get("order") ?? ""] ?? ORDERS.newest;
  return { ...span, filter: filterOf(search), orderBy: order?.order ?? null };
}

function filterOf(search: URLSearchParams): MessageFlowFilter {
  const filter: MessageFlowFilter = {};
  const channel = search.get("messageChannel") ?? "";
  const direction = search.get("direction") ?? "";
  if (Object.hasOwn(CHANNELS, channel)) filter.messageChannel = channel as keyof typeof CHANNELS;
  if (Object.hasOwn(DIRECTIONS, direction)) filter.direction = direction as keyof typeof DIRECTIONS;
  for (const flag of Object.keys(FLAGS) as (keyof typeof FLAGS)[]) {
    if (search.has(flag)) filter[flag] = search.get(flag) === "true";
  }
  const name = search.get("name");
  if (name) filter.nameContains = name;
  return filter;
}

let last = new URLSearchParams();

export function rememberList(search: URLSearchParams): void {
  last = search;
}

/** The list as it was looked at last in that workspace, for whoever goes back to it. */
export function lastList(workspace: string): URLSearchParams {
  if ((last.get("workspace") ?? "") === workspace) return last;
  return new URLSearchParams(workspace ? { workspace } : {});
}

export function isFiltered(search: URLSearchParams): boolean {
  return FILTERS.some((name) => search.has(name));
}

/** The same search with one member changed; another filter or order starts at the front again. */
export function withMember(search: URLSearchParams, name: string, value: string): URLSearchParams {
  const next = new URLSearchParams(search);
  next.delete("after");
  next.delete("before");
  if (value) next.set(name, value);
  else next.delete(name);
  return next;
}
