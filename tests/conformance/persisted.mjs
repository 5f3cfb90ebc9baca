// Apollo Client and urql with automatic persisted queries, from the server at the address given: requests and answers, as JSON.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { counted, flow } from './requests.mjs';

const uri = `${process.argv[2]}/graphql`;
const COUNT = gql`
  query Count {
    messageFlows {
      totalCount
    }
  }
`;
const CREATE = gql`
  mutation Create($input: CreateMessageFlowInput!) {
    createMessageFlow(input: $input) {
      messageFlow {
        name
      }
    }
  }
`;
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

function apollo(fetch, headers, options) {
  const link = ApolloLink.from([createPersistedQueryLink({ sha256, ...options }), new HttpLink({ uri, fetch, headers })]);
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  return {
    query: () => client.query({ query: COUNT, fetchPolicy: 'no-cache' }),
    mutation: (variables) => client.mutate({ mutation: CREATE, variables }),
  };
}

function urql(fetch, headers, options) {
  const exchanges = [persistedExchange({ enableForMutation: true, ...options }), fetchExchange];
  const client = new Client({ url: uri, fetch, fetchOptions: { headers }, exchanges });
  return {
    query: () => client.query(COUNT, {}),
    mutation: (variables) => client.mutation(CREATE, variables),
  };
}

/** Queries and mutations in turn, the one or the other first. */
async function story(name, open, first) {
  const { fetch, requests } = counted();
  const client = open(fetch, { 'x-workspace-id': `${name} ${first}`.replaceAll(' ', '-') });
  const answers = [];
  for (const kind of first === 'query' ? ['query', 'mutation', 'query'] : ['mutation', 'query', 'mutation']) {
    const { data, error } = await client[kind]({ input: flow('new') });
    if (error) throw error;
    answers.push(data.messageFlows?.totalCount ?? data.createMessageFlow.messageFlow.name);
  }
  return { requests, answers };
}

const CLIENTS = {
  Apollo: (...wire) => apollo(...wire),
  'Apollo by GET': (...wire) => apollo(...wire, { useGETForHashedQueries: true }),
  urql: (...wire) => urql(...wire, { preferGetForPersistedQueries: false }),
  'urql by GET': (...wire) => urql(...wire, { preferGetForPersistedQueries: true }),
};
const told = {};
for (const [name, open] of Object.entries(CLIENTS)) {
  told[name] = { query: await story(name, open, 'query'), mutation: await story(name, open, 'mutation') };
}
console.log(JSON.stringify(told));
