// The client of the file that follows the server's address, by itself and in Apollo Client and urql, each of which loses its
// connection twice: the versions that it was told, as JSON.
import { pathToFileURL } from 'node:url';
import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, subscriptionExchange } from '@urql/core';
import WebSocket from 'ws';
import { flow } from './requests.mjs';

const [address, file] = process.argv.slice(2);
const url = `${address}/graphql`;
const headers = { 'x-workspace-id': 'resuming' };
const CHANGED = `subscription ($id: ID, $after: String) {
  messageFlowChanged(id: $id, after: $after) { cursor version }
}`;
const later = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));

async function posted(query, variables) {
  const body = JSON.stringify({ query, variables });
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body });
  return (await answer.json()).data;
}

function alone(client, variables, see) {
  client.subscribe({ query: CHANGED, variables }, { next: ({ data }) => see(data), error: console.error, complete() {} });
}

function apollo(client, variables, see) {
  const link = new GraphQLWsLink(client);
  const watching = new ApolloClient({ cache: new InMemoryCache(), link }).subscribe({ query: gql(CHANGED), variables });
  watching.subscribe(({ data }) => see(data));
}

function urql(client, variables, see) {
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: client.subscribe({ query, variables }, sink) }),
  });
  const watching = new Client({ url, exchanges: [subscriptionExchange({ forwardSubscription })] });
  watching.subscription(CHANGED, variables).subscribe(({ data }) => see(data));
}

async function story(watch, resuming) {
  const created = 'mutation ($input: CreateMessageFlowInput!) { createMessageFlow(input: $input) { messageFlow { id } } }';
  const { id } = (await posted(created, { input: flow('new') })).createMessageFlow.messageFlow;
  const rename = (name) =>
    posted('mutation ($id: ID!, $name: String!) { updateMessageFlow(id: $id, input: {name: $name}) { replayed } }', { id, name });
  const versions = [];
  const isTold = async (version) => {
    for (let tries = 0; tries < 500 && versions.at(-1) !== version; tries += 1) await later(20);
  };
  const client = resuming({
    url: url.replace('http', 'ws'),
    connectionParams: headers,
    webSocketImpl: WebSocket,
    retryWait: () => rename(`missed ${versions.length}`),
  });
  const after = (await posted('{ changeCursor }')).changeCursor;
  watch(client, { id, after }, ({ messageFlowChanged }) => versions.push(messageFlowChanged.version));
  await rename('seen');
  for (const missed of [2, 3]) {
    await isTold(missed - 1);
    client.terminate();
    await isTold(missed);
  }
  await client.dispose();
  return versions;
}

const { resuming } = await import(pathToFileURL(file));
const told = {};
for (const [name, watch] of Object.entries({ alone, apollo, urql })) told[name] = await story(watch, resuming);
console.log(JSON.stringify(told));
process.exit();
