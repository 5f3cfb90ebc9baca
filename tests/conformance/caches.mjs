// Apollo Client and urql with the caches in the files that follow the server's address: what is seen through each, and how many
// requests it took, as JSON.
import { setTimeout as later } from 'node:timers/promises';
import { ApolloClient, ApolloLink, gql, HttpLink } from '@apollo/client';
import { loadDevMessages } from '@apollo/client/dev';
import { RemoveTypenameFromVariablesLink } from '@apollo/client/link/remove-typename';
import { Client, fetchExchange } from '@urql/core';
import { counted, flow } from './requests.mjs';

const [address, apolloFile, urqlFile] = process.argv.slice(2);
const uri = `${address}/graphql`;
const CREATE = gql`
  mutation Create($input: CreateMessageFlowInput!) {
    createMessageFlow(input: $input) {
      messageFlow {
        id
      }
    }
  }
`;
const UPDATE = gql`
  mutation Update($id: ID!, $input: UpdateMessageFlowInput!) {
    updateMessageFlow(id: $id, input: $input) {
      messageFlow {
        id
        version
        name
        settings {
          responseSettings {
            workingHours {
              start
            }
          }
        }
      }
      errors {
        code
      }
    }
  }
`;
const LIST = gql`
  query List($after: String, $filter: MessageFlowFilter) {
    messageFlows(first: 2, after: $after, filter: $filter, orderBy: { field: NAME, direction: ASC }) {
      totalCount
      edges {
        node {
          id
          name
        }
      }
      pageInfo {
        endCursor
      }
    }
  }
`;
const DETAIL = gql`
  query Detail($id: ID!, $atVersion: Int) {
    messageFlow(id: $id, atVersion: $atVersion) {
      id
      version
      name
      settings {
        responseSettings {
          delay
          workingHours {
            start
            end
          }
        }
        security {
          hipaaCompliance
        }
      }
    }
  }
`;
const HISTORY = gql`
  query History($id: ID!, $after: String) {
    messageFlow(id: $id) {
      id
      revisions(first: 1, after: $after) {
        edges {
          node {
            id
            version
            changes {
              path
            }
          }
        }
        pageInfo {
          endCursor
        }
      }
    }
  }
`;

function apollo(cache, fetch, headers) {
  const link = ApolloLink.from([new RemoveTypenameFromVariablesLink(), new HttpLink({ uri, fetch, headers })]);
  const client = new ApolloClient({ cache, link });
  return {
    mutate: (mutation, variables) => client.mutate({ mutation, variables }),
    read: (query, variables) => client.query({ query, variables }),
    readPastTheCache: (query, variables) => client.query({ query, variables, fetchPolicy: 'no-cache' }),
    readMore: (query, variables, after) => client.watchQuery({ query, variables }).fetchMore({ variables: { after } }),
    watch: (query, variables, see) => client.watchQuery({ query, variables }).subscribe(see),
  };
}

function urql(cache, fetch, headers) {
  const through = (...exchanges) => new Client({ url: uri, fetch, fetchOptions: { headers }, exchanges });
  const [client, past] = [through(cache, fetchExchange), through(fetchExchange)];
  return {
    mutate: (mutation, variables) => client.mutation(mutation, variables),
    read: (query, variables) => client.query(query, variables),
    readPastTheCache: (query, variables) => past.query(query, variables),
    readMore: (query, variables, after) => client.query(query, { ...variables, after }),
    watch: (query, variables, see) => client.query(query, variables).subscribe(see),
  };
}

async function story(client, requests) {
  const steps = [];
  const step = (what, ...seen) => steps.push([what, ...seen, requests.splice(0).length]);
  const shown = {};
  const isShown = async (page, wanted) => {
    for (let tries = 0; tries < 500 && !(shown[page] && wanted(shown[page])); tries += 1) await later(20);
    return shown[page];
  };

  const ids = [];
  for (const name of ['Autumn', 'Spring', 'Winter']) {
    ids.push((await data(client.mutate(CREATE, { input: flow(name) }))).createMessageFlow.messageFlow.id);
  }
  const [id] = ids;
  step('created');

  client.watch(LIST, {}, (answer) => (shown.list = answer.data));
  client.watch(DETAIL, { id }, (answer) => (shown.detail = answer.data));
  await isShown('detail', ({ messageFlow }) => messageFlow);
  const { messageFlows } = await isShown('list', (list) => names(list).length);
  step('watched', names(shown.list), leaves(shown.detail));

  await data(client.readMore(LIST, {}, messageFlows.pageInfo.endCursor));
  step('another page', names(await isShown('list', (list) => names(list).length > 2)));
  step('a filter', names(await data(client.read(LIST, { filter: { nameContains: 'SPR' } }))));

  const input = { name: 'August', settings: { responseSettings: { workingHours: { start: '08:00' } } } };
  await data(client.mutate(UPDATE, { id, input }));
  await isShown('list', (list) => names(list)[0] === 'August');
  await isShown('detail', ({ messageFlow }) => messageFlow?.name === 'August');
  step('updated', names(shown.list), leaves(shown.detail), leaves(await data(client.read(DETAIL, { id }))));

  const { settings } = (await data(client.read(DETAIL, { id }))).messageFlow;
  const { updateMessageFlow } = await data(client.mutate(UPDATE, { id, input: { settings } }));
  step('sent back as it was read', updateMessageFlow.messageFlow.version);

  const before = leaves(await data(client.readPastTheCache(DETAIL, { id, atVersion: 0 })));
  step('an earlier version', before, leaves(await data(client.read(DETAIL, { id }))));

  const history = async () => (await data(client.read(HISTORY, { id }))).messageFlow.revisions;
  await data(client.readMore(HISTORY, { id }, (await history()).pageInfo.endCursor));
  step('history', (await history()).edges.map(({ node }) => node.version));
  return steps;
}

async function data(answering) {
  const answer = await answering;
  if (answer.error) throw answer.error;
  return answer.data;
}

const names = ({ messageFlows }) => messageFlows.edges.map(({ node }) => node.name);

function leaves({ messageFlow: { version, name, settings } }) {
  const { start, end } = settings.responseSettings.workingHours;
  return [version, name, start, end];
}

/** The story of a client, and what it complains of. */
async function told(name, open, file) {
  const warnings = [];
  console.warn = console.error = (...words) => warnings.push(words.join(' '));
  const { fetch, requests } = counted();
  const client = open((await import(file)).cache, fetch, { 'x-workspace-id': name });
  return { steps: await story(client, requests), warnings };
}

loadDevMessages();
console.log(
  JSON.stringify({ Apollo: await told('cache-Apollo', apollo, apolloFile), urql: await told('cache-urql', urql, urqlFile) }),
);
