// The smallest parts of the reference: a type with its links, a text with its code, what null does.
import type { ComponentChildren } from "preact";
import { astFromValue, type GraphQLArgument, type GraphQLInputField, type GraphQLType, isListType, isNonNullType, isSpecifiedScalarType, print } from "graphql";
import { told } from "../meaning.mjs";

export function Type({ of }: { of: GraphQLType }): ComponentChildren {
  if (isNonNullType(of)) return <><Type of={of.ofType} />!</>;
  if (isListType(of)) return <>[<Type of={of.ofType} />]</>;
  return isSpecifiedScalarType(of) ? of.name : <a href={`#${of.name}`}>{of.name}</a>;
}

/** Text in which `…` is code and [text](address) shows its text; nothing here leads out of this server. */
export function Text({ of }: { of: string }) {
  const parts = of.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").split("`");
  return <>{parts.map((part, number) => (number % 2 ? <code>{part}</code> : part))}</>;
}

export function Meaning({ of }: { of: { description?: string | null } }) {
  return <Text of={told(of.description).meaning} />;
}

/** What leaving it out and null come to. */
export function Absent({ of }: { of: GraphQLArgument | GraphQLInputField }) {
  const rule = told(of.description);
  if (isNonNullType(of.type) && of.defaultValue === undefined) return <b>required</b>;
  if (rule.null === "refused") return <>null is refused</>;
  if (rule.null === "resets") return <>null gives <code>{JSON.stringify(rule.default)}</code></>;
  if (of.defaultValue == null) return <>may be left out</>;
  return <>default <code>{print(astFromValue(of.defaultValue, of.type)!)}</code></>;
}

interface TableProps {
  of: string;
  heads: string[];
  children: ComponentChildren;
}

export function Table({ of, heads, children }: TableProps) {
  return (
    <table aria-label={of}>
      <thead>
        <tr>{heads.map((head) => <th scope="col">{head}</th>)}</tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/** A place that can be linked to, and whose name is a link to itself. */
export function Name({ id, children }: { id: string; children: ComponentChildren }) {
  return <a class="name" href={`#${id}`}><code>{children}</code></a>;
}
