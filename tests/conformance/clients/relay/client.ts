// The team's operations with Relay: its store pages the connection and the history by what relay-compiler made.
import { deepStrictEqual as same } from 'node:assert';
import {
  commitMutation,
  Environment,
  fetchQuery,
  getSingularSelector,
  type GraphQLTaggedNode,
  type MutationParameters,
  Network,
  type OperationType,
  readInlineData,
  RecordSource,
  Store,
} from 'relay-runtime';
import CreateMutation, { type operationsCreateMutation } from '../../build/relay/operationsCreateMutation.graphql';
import DetailQuery, { type operationsDetailQuery } from '../../build/relay/operationsDetailQuery.graphql';
import HistoryPageQuery, { type operationsHistoryPageQuery } from '../../build/relay/operationsHistoryPageQuery.graphql';
import ListPageQuery, { type operationsListPageQuery } from '../../build/relay/operationsListPageQuery.graphql';
import ListQuery, { type operationsListQuery } from '../../build/relay/operationsListQuery.graphql';
import SaveMutation, { type operationsSaveMutation } from '../../build/relay/operationsSaveMutation.graphql';
import FormFragment, { type operations_form$key } from '../../build/relay/operations_form.graphql';
import HistoryFragment, { type operations_history$data } from '../../build/relay/operations_history.graphql';
import ListFragment, { type operations_list$data } from '../../build/relay/operations_list.graphql';
import { type Changes, type Client, type Flow, type Form, NEW_FLOW, play, type Saved } from '../story';
import { posted } from '../transport';

const environment = new Environment({
  network: Network.create((operation, variables) => posted('relay', operation.text ?? '', variables)),
  store: new Store(new RecordSource()),
});

const client: Client = {
  async create(name) {
    const input = { ...NEW_FLOW, name, direction: 'INBOUND', messageChannel: 'SMS' } as const;
    return flow((await mutated<operationsCreateMutation>(CreateMutation, { input })).createMessageFlow.messageFlow);
  },
  async page(size, after) {
    const root = after
      ? await read<operationsListPageQuery>(ListPageQuery, { size, after })
      : await read<operationsListQuery>(ListQuery, { size });
    const { edges, pageInfo } = stored<operations_list$data>(ListFragment, root).messageFlows;
    const seen = after ? size : 0; // The store keeps one growing list.
    return {
      flows: edges.slice(seen).map((edge) => flow(edge.node)),
      next: pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null,
    };
  },
  async detail(id) {
    const { messageFlow } = await read<operationsDetailQuery>(DetailQuery, { id });
    return messageFlow ? flow(messageFlow) : null;
  },
  save: (seen, changes) => save(seen, changes, 'REJECT'),
  rebase: (seen, changes) => save(seen, changes, 'MERGE'),
  async toggle(id, key) {
    const variables = { id, input: { toggleAutopilot: true }, onConflict: 'REJECT', key } as const;
    const { messageFlow, replayed } = (await mutated<operationsSaveMutation>(SaveMutation, variables)).updateMessageFlow;
    return { autopilot: flow(messageFlow).autopilot, replayed };
  },
};

async function save(seen: Flow, settings: Changes<Form>, onConflict: 'REJECT' | 'MERGE'): Promise<Saved> {
  const variables = { id: seen.id, input: { settings }, ifVersion: seen.version, onConflict };
  const payload = (await mutated<operationsSaveMutation>(SaveMutation, variables)).updateMessageFlow;
  const form = flow(payload.messageFlow);
  const conflict = payload.errors.some((error) => error.code === 'VERSION_CONFLICT');
  return conflict ? { conflict: form } : { flow: form, changedFields: payload.changedFields };
}

function flow(masked: operations_form$key | null | undefined): Flow {
  if (!masked) throw new Error('a flow was expected');
  return readInlineData(FormFragment, masked);
}

async function read<Query extends OperationType>(
  query: GraphQLTaggedNode,
  variables: Query['variables'],
): Promise<Query['response']> {
  const answer = await fetchQuery<Query>(environment, query, variables).toPromise();
  if (!answer) throw new Error('no answer');
  return answer;
}

function mutated<Mutation extends MutationParameters>(
  mutation: GraphQLTaggedNode,
  variables: Mutation['variables'],
): Promise<Mutation['response']> {
  return new Promise((onCompleted, onError) =>
    commitMutation<Mutation>(environment, { mutation, variables, onCompleted, onError }),
  );
}

/** What the store holds of a fragment, as a component would get it. */
function stored<Data>(fragment: typeof ListFragment | typeof HistoryFragment, reference: unknown): Data {
  const selector = getSingularSelector(fragment, reference);
  if (!selector) throw new Error('the fragment is not in what was read');
  return environment.lookup(selector as never).data as Data;
}

/** `@refetchable` on a type other than Query goes by `node(id:)`. */
async function pagesTheHistory(): Promise<void> {
  const [flow] = (await client.page(1, null)).flows;
  if (!flow) throw new Error('a flow was expected');
  await client.save(flow, { responseSettings: { delay: 7 } });
  const variables = { id: flow.id, size: 1 };
  const newest = await read<operationsHistoryPageQuery>(HistoryPageQuery, variables);
  const { edges, pageInfo } = stored<operations_history$data>(HistoryFragment, newest.node).revisions;
  same(edges.map((edge) => edge.node.version), [flow.version + 1]);
  same(edges[0]?.node.changes.map((change) => change.path), ['settings.responseSettings.delay']);
  const older = await read<operationsHistoryPageQuery>(HistoryPageQuery, { ...variables, after: pageInfo.endCursor });
  const both = stored<operations_history$data>(HistoryFragment, older.node).revisions.edges;
  same(both.map((edge) => edge.node.version), [flow.version + 1, flow.version]);
}

void play(client).then(pagesTheHistory);
