// A section for each operation and each type, with all that a caller may send or select.
import {
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from "graphql";
import type { Root } from "./index";
import { Absent, Meaning, Name, Table, Text, Type } from "./parts";

export function Operation({ root, field }: { root: Root; field: GraphQLField<unknown, unknown> }) {
  const id = `${root.type}.${field.name}`;
  return (
    <section id={id} aria-labelledby={`${id}-name`}>
      <h3 id={`${id}-name`}>
        <Name id={id}>{field.name}</Name>
        <code class="type">: <Type of={field.type} /></code>
      </h3>
      <p><Meaning of={field} /></p>
      {field.args.length > 0 && <Inputs of={id} head="Argument" fields={field.args} />}
    </section>
  );
}

export function NamedType({ type, users }: { type: GraphQLNamedType; users: string[] }) {
  return (
    <section id={type.name} aria-labelledby={`${type.name}-name`}>
      <h3 id={`${type.name}-name`}>
        <Name id={type.name}>{type.name}</Name>
      </h3>
      <p><Text of={type.description ?? ""} /></p>
      <Members type={type} />
      {users.length > 0 && (
        <p class="users">
          Used by{" "}
          {users.map((user, number) => <>{number > 0 && ", "}<a href={`#${user}`}>{user}</a></>)}
        </p>
      )}
    </section>
  );
}

function Members({ type }: { type: GraphQLNamedType }) {
  if (isInputObjectType(type)) return <Inputs of={type.name} head="Member" fields={Object.values(type.getFields())} />;
  if (isEnumType(type)) return type.name === "ErrorCode" ? <Codes of={type} /> : <Values of={type} />;
  if (isObjectType(type) || isInterfaceType(type)) return <Fields of={type.name} fields={Object.values(type.getFields())} />;
  return null;
}

function Inputs({ of, head, fields }: { of: string; head: string; fields: readonly (GraphQLArgument | GraphQLInputField)[] }) {
  return (
    <Table of={`${head}s of ${of}`} heads={[head, "Type", "Absent or null", "Meaning"]}>
      {fields.map((field) => (
        <tr id={`${of}.${field.name}`}>
          <th scope="row"><Name id={`${of}.${field.name}`}>{field.name}</Name></th>
          <td class="typed"><code><Type of={field.type} /></code></td>
          <td class="absent"><Absent of={field} /></td>
          <td><Meaning of={field} /></td>
        </tr>
      ))}
    </Table>
  );
}

function Fields({ of, fields }: { of: string; fields: GraphQLField<unknown, unknown>[] }) {
  return (
    <Table of={`Fields of ${of}`} heads={["Field", "Type", "Meaning"]}>
      {fields.map((field) => (
        <tr id={`${of}.${field.name}`}>
          <th scope="row"><Name id={`${of}.${field.name}`}>{field.name}</Name></th>
          <td class="typed"><code><Type of={field.type} /></code></td>
          <td>
            <Meaning of={field} />
            {field.args.length > 0 && <Arguments of={field.args} />}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Arguments({ of }: { of: readonly GraphQLArgument[] }) {
  return (
    <ul class="arguments" aria-label="Arguments">
      {of.map((argument) => (
        <li>
          <code>{argument.name}: <Type of={argument.type} /></code> (<Absent of={argument} />): <Meaning of={argument} />
        </li>
      ))}
    </ul>
  );
}

function Values({ of }: { of: GraphQLEnumType }) {
  return (
    <Table of={`Values of ${of.name}`} heads={["Value", "Meaning"]}>
      {of.getValues().map((value) => (
        <tr id={`${of.name}.${value.name}`}>
          <th scope="row"><Name id={`${of.name}.${value.name}`}>{value.name}</Name></th>
          <td><Meaning of={value} /></td>
        </tr>
      ))}
    </Table>
  );
}

/** The description of a code is a sentence that says why, and what to do. */
function Codes({ of }: { of: GraphQLEnumType }) {
  return (
    <Table of="Codes" heads={["Code", "Why", "What to do"]}>
      {of.getValues().map((value) => {
        const [, why, remedy] = /^(.*?\.)\s+(.*)$/s.exec(value.description ?? "") ?? ["", value.description ?? "", ""];
        return (
          <tr id={`${of.name}.${value.name}`}>
            <th scope="row"><Name id={`${of.name}.${value.name}`}>{value.name}</Name></th>
            <td><Text of={why ?? ""} /></td>
            <td><Text of={remedy ?? ""} /></td>
          </tr>
        );
      })}
    </Table>
  );
}
