// schema.graphql by the recommended and the Relay rules, and a description on everything. Every exception has its reason.
import graphql from '@graphql-eslint/eslint-plugin';

const { rules: recommended } = graphql.configs['schema-recommended'];
const { rules: relay } = graphql.configs['schema-relay'];

// Parts of a flow, and what is said about flows: they live and die with what they are read from, so that an id of
// their own would name nothing. What can be asked for again by id is a Node, and the rule holds for it.
const WITHOUT_IDENTITY = {
  types: [
    'EmailSettings',
    'LeafChange',
    'MessageFlowChange',
    'MessageFlowSettings',
    'MutationError',
    'Opening',
    'PageInfo',
    'ResponseSettings',
    'SecuritySettings',
    'UpdateMessageFlowResult',
    'UtcOffset',
    'WebhookDelivery',
    'WorkingHours',
    'WorkingHoursTransition',
  ],
  suffixes: ['Connection', 'Edge', 'Payload'],
};

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema.graphql' } },
    },
    linterOptions: { noInlineConfig: true },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...recommended,
      ...relay,
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          rootField: true,
          DirectiveDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
        },
      ],
      '@graphql-eslint/strict-id-in-types': ['error', { exceptions: WITHOUT_IDENTITY }],
      // `nodes` beside `edges` spares clients without cursors a level; `[String!]!` and the lists of payloads are
      // small and whole, nobody pages through them.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
      // The history of a flow is read from the newest revision down, in one direction only.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
    },
  },
];
