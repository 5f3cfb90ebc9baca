// The operations of the Relay client, for relay-compiler: what it makes of them is in build/relay.
import { graphql } from 'relay-runtime';

export const operations = [
  graphql`
    fragment operations_form on MessageFlow @inline {
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
  `,
  graphql`
    fragment operations_list on Query
    @refetchable(queryName: "operationsListPageQuery")
    @argumentDefinitions(size: { type: "Int!" }, after: { type: "String" }) {
      messageFlows(first: $size, after: $after, orderBy: { field: NAME, direction: ASC })
        @connection(key: "operations_messageFlows") {
        edges {
          node {
            ...operations_form
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  graphql`
    fragment operations_history on MessageFlow
    @refetchable(queryName: "operationsHistoryPageQuery")
    @argumentDefinitions(size: { type: "Int!" }, after: { type: "String" }) {
      revisions(first: $size, after: $after) @connection(key: "operations_revisions") {
        edges {
          node {
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
  `,
  graphql`
    query operationsListQuery($size: Int!) {
      ...operations_list @arguments(size: $size)
    }
  `,
  graphql`
    query operationsDetailQuery($id: ID!) {
      messageFlow(id: $id) {
        ...operations_form
      }
    }
  `,
  graphql`
    mutation operationsCreateMutation($input: CreateMessageFlowInput!) {
      createMessageFlow(input: $input) {
        messageFlow {
          ...operations_form
        }
      }
    }
  `,
  graphql`
    mutation operationsSaveMutation(
      $id: ID!
      $input: UpdateMessageFlowInput!
      $ifVersion: Int
      $onConflict: ConflictPolicy!
      $key: String
    ) {
      updateMessageFlow(
        id: $id
        input: $input
        ifVersion: $ifVersion
        onConflict: $onConflict
        idempotencyKey: $key
      ) {
        messageFlow {
          ...operations_form
        }
        changedFields
        replayed
        errors {
          code
        }
      }
    }
  `,
];
