// How the playground asks: over HTTP, and over a WebSocket for subscriptions; the key is added on the way out.
import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { at } from "../shell/server";
import { keyHeader, withKey } from "../shell/key";
import { isSubscription, named, parsed } from "./operations";
import { NO_ANSWER, watched } from "./watching";

const KEY = "x-api-key";

const ask = createGraphiQLFetcher({
  url: at("graphql"),
  enableIncrementalDelivery: false,
  fetch: (url, init) => {
    const headers = init?.headers as Record<string, string>;
    if (headers[KEY] !== keyHeader()[KEY]) return answered(url, init); // somebody's own, written into the headers of a tab
    return withKey((key) => answered(url, { ...init, headers: { ...headers, ...key } }));
  },
});

/** Where there is no answer, one that says so. */
async function answered(...asked: Parameters<typeof fetch>): Promise<Response> {
  try {
    return await fetch(...asked);
  } catch (trouble) {
    if (!(trouble instanceof TypeError)) throw trouble;
    return Response.json({ errors: [{ message: NO_ANSWER }] });
  }
}

/** Run right after an edit, GraphiQL would still send the operation's name of before. */
export const fetcher: Fetcher = (asked, options) => {
  const documentAST = parsed(asked.query);
  const operationName = documentAST ? named(documentAST, asked.operationName) : asked.operationName;
  const headers = { ...keyHeader(), ...lowered(options?.headers) };
  if (isSubscription(documentAST, operationName)) return watched({ ...asked, operationName }, headers);
  return ask({ ...asked, operationName }, { ...options, documentAST, headers });
};

/** Headers become members of connection_init on a WebSocket, where case counts. */
function lowered(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
