// The team's operations with gql.tada: types from the text of the operations, nothing generated but the schema's.
import { type FragmentOf, initGraphQLTada, readFragment } from 'gql.tada';
import type { introspection } from '../build/tada/graphql-env';
import { type Client, type Flow, NEW_FLOW, play, type Saved } from './story';
import { inWorkspace } from './transport';

const graphql = initGraphQLTada<{ introspection: introspection; scalars: { DateTime: string; JSON: unknown } }>();
const execute = inWorkspace('tada');

const Form = graphql(`
  fragment Form on MessageFlow {
    id
    version
    name
    autopilot
    settings {
      responseSettings {
        delay
        workingHours {
          enabled
          start
          end
        }
      }
      emailSettings {
        subjectLine
      }
    }
  }
`);

const SavedParts = graphql(
  `
    fragment Saved on UpdateMessageFlowPayload {
      messageFlow {
        ...Form
      }
      changedFields
      errors {
        code
      }
    }
  `,
  [Form],
);

const Create = graphql(
  `
    mutation Create($input: CreateMessageFlowInput!) {
      createMessageFlow(input: $input) {
        messageFlow {
          ...Form
        }
      }
    }
  `,
  [Form],
);

const ListPage = graphql(
  `
    query ListPage($size: Int!, $after: String) {
      messageFlows(first: $size, after: $after, orderBy: { field: NAME, direction: ASC }) {
        edges {
          cursor
          node {
            ...Form
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  `,
  [Form],
);

const Detail = graphql(
  `
    query Detail($id: ID!) {
      node(id: $id) {
        __typename
        ... on MessageFlow {
          ...Form
        }
      }
    }
  `,
  [Form],
);

const Save = graphql(
  `
    mutation Save($id: ID!, $input: UpdateMessageFlowInput!, $ifVersion: Int!, $onConflict: ConflictPolicy!) {
      updateMessageFlow(id: $id, input: $input, ifVersion: $ifVersion, onConflict: $onConflict) {
        ...Saved
      }
    }
  `,
  [SavedParts],
);

const Toggle = graphql(`
  mutation Toggle($id: ID!, $key: String!) {
    updateMessageFlow(id: $id, input: { toggleAutopilot: true }, idempotencyKey: $key) {
      messageFlow {
        autopilot
      }
      replayed
    }
  }
`);

const client: Client = {
  async create(name) {
    const input = { ...NEW_FLOW, name, direction: 'OUTBOUND', messageChannel: 'EMAIL' } as const;
    return flow((await execute(Create, { input })).createMessageFlow.messageFlow);
  },
  async page(size, after) {
    const { edges, pageInfo } = (await execute(ListPage, { size, after })).messageFlows;
    const next = pageInfo.hasNextPage ? (edges.at(-1)?.cursor ?? null) : null;
    return { flows: edges.map((edge) => flow(edge.node)), next };
  },
  async detail(id) {
    const { node } = await execute(Detail, { id });
    if (node?.__typename !== 'MessageFlow') return null;
    const { __typename, ...found } = node;
    return flow(found);
  },
  async save({ id, version }, settings) {
    const variables = { id, input: { settings }, ifVersion: version, onConflict: 'REJECT' } as const;
    return saved((await execute(Save, variables)).updateMessageFlow);
  },
  async rebase({ id, version }, settings) {
    const variables = { id, input: { settings }, ifVersion: version, onConflict: 'MERGE' } as const;
    return saved((await execute(Save, variables)).updateMessageFlow);
  },
  async toggle(id, key) {
    const { messageFlow, replayed } = (await execute(Toggle, { id, key })).updateMessageFlow;
    if (!messageFlow) throw new Error('a flow was expected');
    return { autopilot: messageFlow.autopilot, replayed };
  },
};

function flow(masked: FragmentOf<typeof Form> | null): Flow {
  if (!masked) throw new Error('a flow was expected');
  return readFragment(Form, masked);
}

function saved(masked: FragmentOf<typeof SavedParts>): Saved {
  const { messageFlow, changedFields, errors } = readFragment(SavedParts, masked);
  const form = flow(messageFlow);
  return errors.some((error) => error.code === 'VERSION_CONFLICT') ? { conflict: form } : { flow: form, changedFields };
}

/** What must not compile: each of these lines is an error of the types, or tsc complains that it is none. */
export async function mistakes(): Promise<void> {
  // @ts-expect-error `size` is required
  await execute(ListPage, {});
  // @ts-expect-error no such policy
  await execute(Save, { id: '1', input: {}, ifVersion: 1, onConflict: 'OVERWRITE' });
  // @ts-expect-error no such code
  readFragment(SavedParts, (await execute(Save, null as never)).updateMessageFlow).errors[0]?.code === 'CONFLICT';
}

void play(client);
