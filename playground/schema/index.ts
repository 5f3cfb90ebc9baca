// What the schema holds, in the order in which it is read, and who uses what.
import {
  buildSchema,
  getNamedType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
} from "graphql";

export interface Root {
  /** As the schema names the type of these operations. */
  type: string;
  title: string;
  fields: GraphQLField<unknown, unknown>[];
}

export interface Group {
  title: string;
  types: GraphQLNamedType[];
}

export interface Index {
  roots: Root[];
  groups: Group[];
  /** Name of a type -> the places that name it: `Type.field`. */
  users: Map<string, string[]>;
}

export function indexed(sdl: string): Index {
  const schema = buildSchema(sdl);
  const roots = rootsOf(schema);
  const others = Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith("__") && !isSpecifiedScalarType(type) && !roots.some((root) => root.type === type.name),
  );
  const groups = [
    { title: "Inputs", types: others.filter(isInputObjectType) },
    { title: "Types", types: others.filter((type) => isObjectType(type) || isInterfaceType(type)) },
    { title: "Enums", types: others.filter(isEnumType) },
    { title: "Scalars", types: others.filter(isScalarType) },
  ];
  return { roots, groups, users: usersOf(schema) };
}

function rootsOf(schema: GraphQLSchema): Root[] {
  const found = [
    { title: "Queries", type: schema.getQueryType() },
    { title: "Mutations", type: schema.getMutationType() },
    { title: "Subscriptions", type: schema.getSubscriptionType() },
  ];
  return found.flatMap(({ title, type }) => (type ? [{ title, type: type.name, fields: Object.values(type.getFields()) }] : []));
}

function usersOf(schema: GraphQLSchema): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__") || !("getFields" in type)) continue;
    for (const field of Object.values(type.getFields())) {
      const parts: { type: GraphQLType }[] = [field, ...("args" in field ? field.args : [])];
      for (const used of new Set(parts.map((part) => getNamedType(part.type).name))) {
        users.set(used, [...(users.get(used) ?? []), `${type.name}.${field.name}`]);
      }
    }
  }
  return users;
}
