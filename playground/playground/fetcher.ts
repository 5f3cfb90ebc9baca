// How the playground asks: over HTTP, and over a WebSocket for subscriptions; the key is added on the way out.
import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { at, socketAt } from "../shell/server";
import { askForKey, keyHeader, REFUSED } from "../shell/key";

const ask = createGraphiQLFetcher({
  url: at("graphql"),
  subscriptionUrl: socketAt("graphql"),
  enableIncrementalDelivery: false,
  fetch: async (...request) => {
    const answer = await fetch(...request);
    if (answer.status === 401) void askForKey(REFUSED);
    return answer;
  },
});

export const fetcher: Fetcher = (asked, options) =>
  ask(asked, { ...options, headers: { ...keyHeader(), ...lowered(options?.headers) } });

/** Headers become members of connection_init on a WebSocket, where case counts. */
function lowered(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
