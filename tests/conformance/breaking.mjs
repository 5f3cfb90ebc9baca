// The program in the file that follows the server's address watches by events, and loses its connection twice: the versions of
// a flow that it says, and the last one, as JSON.
import { pathToFileURL } from 'node:url';
import { flow } from './requests.mjs';

const [address, file] = process.argv.slice(2);
const headers = { 'x-workspace-id': 'exampleWorkspaceId1', 'content-type': 'application/json' };
const { fetch, console } = globalThis;
const later = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));

async function posted(query, variables) {
  const body = JSON.stringify({ query, variables });
  return (await (await fetch(`${address}/graphql`, { method: 'POST', headers, body })).json()).data;
}

let cut;
globalThis.fetch = (asked, options) => {
  const breaking = new AbortController();
  cut = () => breaking.abort();
  return fetch(asked, { ...options, signal: AbortSignal.any([options.signal, breaking.signal]) });
};
const told = [];
globalThis.console = { ...console, log: (change) => told.push(change) };

const created = 'mutation ($input: CreateMessageFlowInput!) { createMessageFlow(input: $input) { messageFlow { id } } }';
const { id } = (await posted(created, { input: flow('new') })).createMessageFlow.messageFlow;
let version = 0;
async function rename() {
  const renamed = 'mutation ($id: ID!, $name: String!) { updateMessageFlow(id: $id, input: {name: $name}) { replayed } }';
  await posted(renamed, { id, name: `name ${(version += 1)}` });
}
async function isTold() {
  for (let tries = 0; tries < 500 && told.at(-1)?.version !== version; tries += 1) await later(20);
}

import(pathToFileURL(file));
while (!told.length) {
  await rename(); // nothing tells when it has begun
  await later(50);
}
for (let breaks = 0; breaks < 2; breaks += 1) {
  await isTold();
  cut();
  await rename(); // it waits a second before it connects again
}
await isTold();
console.log(JSON.stringify({ told: told.map((change) => change.version), last: version }));
process.exit();
