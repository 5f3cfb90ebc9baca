// How the playground asks: over HTTP, and over a WebSocket for subscriptions; the key is added on the way out.
import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { at, socketAt } from "../shell/server";
import { keyHeader, withKey } from "../shell/key";
import { named, parsed } from "./operations";

const KEY = "x-api-key";

const ask = createGraphiQLFetcher({
  url: at("graphql"),
  subscriptionUrl: socketAt("graphql"),
  enableIncrementalDelivery: false,
  fetch: (url, init) => {
    const headers = init?.headers as Record<string, string>;
    if (headers[KEY] !== keyHeader()[KEY]) return fetch(url, init); // somebody's own, written into the headers of a tab
    return withKey((key) => fetch(url, { ...init, headers: { ...headers, ...key } }));
  },
});

/** Run right after an edit, GraphiQL would still send the operation's name of before. */
export const fetcher: Fetcher = (asked, options) => {
  const documentAST = parsed(asked.query);
  const operationName = documentAST ? named(documentAST, asked.operationName) : asked.operationName;
  const headers = { ...keyHeader(), ...lowered(options?.headers) };
  return ask({ ...asked, operationName }, { ...options, documentAST, headers });
};

/** Headers become members of connection_init on a WebSocket, where case counts. */
function lowered(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
