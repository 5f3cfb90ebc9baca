// Subscriptions of a tab, over a WebSocket; one that ends for want of a server or of a key ends with a sentence.
import { type Client, createClient } from "graphql-ws";
import { socketAt } from "../shell/server";

type Asked = Parameters<Client["iterate"]>[0];
type Event = IteratorResult<object>;

export const NO_ANSWER = "The server does not answer.";
const LOST = 1006;

export function watched(asked: Asked, connectionParams: Record<string, string>): AsyncIterableIterator<object> {
  const client = createClient({ url: socketAt("graphql"), connectionParams, retryAttempts: 0 });
  const events = client.iterate(asked);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => (events.next() as Promise<Event>).catch((error: unknown) => ({ value: { errors: errorsOf(error) } })),
    async return() {
      await events.return?.();
      await client.dispose();
      return { value: undefined, done: true };
    },
  };
}

export function sentence(error: unknown): string {
  return errorsOf(error)[0].message;
}

function errorsOf(error: unknown): { message: string }[] {
  if (Array.isArray(error)) return error;
  if (!(error instanceof Event)) return [{ message: String(error) }];
  const isTold = error instanceof CloseEvent && error.code !== LOST;
  return [{ message: isTold ? `The server closed the connection: ${error.reason || error.code}` : NO_ANSWER }];
}
