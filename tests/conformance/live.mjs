// Changes of a flow from the server at the address given, by graphql-ws and by graphql-sse: what each was told, as JSON.
import { createClient as byEvents } from 'graphql-sse';
import { createClient as bySocket } from 'graphql-ws';
import WebSocket from 'ws';
import { flow } from './requests.mjs';

const url = `${process.argv[2]}/graphql`;
const headers = { 'x-workspace-id': 'live' };
const CHANGED = `subscription ($id: ID, $after: String) {
  messageFlowChanged(id: $id, after: $after) { cursor operation version messageFlow { name } }
}`;
const CREATED = 'mutation ($input: CreateMessageFlowInput!) { createMessageFlow(input: $input) { messageFlow { id } } }';
const RENAMED = `mutation ($id: ID!, $name: String!) {
  updateMessageFlow(id: $id, input: { name: $name }) { messageFlow { version } }
}`;

async function posted(query, variables) {
  const body = JSON.stringify({ query, variables });
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body });
  return (await answer.json()).data;
}

const renamed = async (id, name) => (await posted(RENAMED, { id, name })).updateMessageFlow.messageFlow.version;
const watched = (client, variables) => client.iterate({ query: CHANGED, variables });
const next = async (events) => (await events.next()).value.data.messageFlowChanged;

/** The first change that is told; nothing tells when a subscription has begun, so the flow is changed until it has. */
async function first(client, id) {
  const events = watched(client, { id });
  const coming = next(events);
  for (let isTold = false, count = 0; !isTold; count += 1) {
    await renamed(id, `try ${count}`);
    isTold = await Promise.race([coming.then(() => true), new Promise((go) => setTimeout(go, 50, false))]);
  }
  await events.return();
  return coming;
}

async function resumed(client, id, after) {
  const missed = await renamed(id, 'missed');
  const events = watched(client, { id, after });
  const changes = [];
  while ((changes.at(-1)?.version ?? 0) < missed) changes.push(await next(events));
  await renamed(id, 'seen');
  changes.push(await next(events));
  await events.return();
  return changes;
}

async function refusal(client) {
  try {
    const { value } = await client.iterate({ query: '{ nope' }).next();
    return value.errors;
  } catch (errors) {
    return errors;
  }
}

async function story(open) {
  const { id } = (await posted(CREATED, { input: flow('new') })).createMessageFlow.messageFlow;
  const [before, after] = [open(), open()];
  const changes = [await first(before, id)];
  await before.dispose();
  changes.push(...(await resumed(after, id, changes[0].cursor)));
  const errors = await refusal(after);
  await after.dispose();
  return { changes, errors };
}

const socket = () =>
  bySocket({ url: url.replace('http', 'ws'), connectionParams: headers, webSocketImpl: WebSocket, retryAttempts: 0 });
const events = () => byEvents({ url, headers, retryAttempts: 0 });
console.log(JSON.stringify({ 'graphql-ws': await story(socket), 'graphql-sse': await story(events) }));
