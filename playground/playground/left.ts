// The tab that a person left open, as GraphiQL keeps it: on a later visit it would open without its variables, which it keeps
// of the others alone, and with another key beside an empty one.
import type { Tab } from "./tabs";

const KEPT = "graphiql:tabState";

/** The first of the first tabs where nothing is kept. */
export function leftOpen([first]: Tab[]): Pick<Tab, "query" | "variables"> {
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem(KEPT)!);
    const { query, variables } = tabs[activeTabIndex];
    return { query: query ?? "", variables: variables ?? "" };
  } catch {
    return first;
  }
}
