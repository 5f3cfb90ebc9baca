// One GraphQL operation over HTTP; every client of the tests works in a workspace of its own.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { address } from './story';

export type Execute = <Result, Variables>(
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
) => Promise<Result>;

export function inWorkspace(workspace: string): Execute {
  return async (document, variables) => (await posted(workspace, print(document), variables)).data;
}

/** The whole answer; top-level errors are mistakes of the client, refusals of the domain are data. */
export async function posted(workspace: string, query: string, variables: unknown) {
  const response = await fetch(`${address()}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      'x-workspace-id': workspace,
    },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer;
}
