// The operations of a document, as it stands this moment: GraphiQL itself knows them some time later.
import { type DocumentNode, Kind, type OperationDefinitionNode, OperationTypeNode, parse } from "graphql";

/** Nothing where it does not parse: that is for the server to refuse. */
export function parsed(query: string | null | undefined): DocumentNode | undefined {
  try {
    return parse(query ?? "");
  } catch {
    return undefined;
  }
}

export function operationsOf(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.filter((part) => part.kind === Kind.OPERATION_DEFINITION);
}

/** The name that was chosen if there is such an operation; the first one's if not. */
export function named(document: DocumentNode, chosen: string | null | undefined): string | undefined {
  const names = operationsOf(document).map((operation) => operation.name?.value);
  return names.find((name) => name === chosen) ?? names[0];
}

export function isSubscription(document: DocumentNode | undefined, name: string | undefined): boolean {
  const operation = document && operationsOf(document).find((operation) => operation.name?.value === name);
  return operation?.operation === OperationTypeNode.SUBSCRIPTION;
}
