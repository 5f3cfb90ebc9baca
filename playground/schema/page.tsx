// The schema reference as a whole, rendered when it is built: it can be read, searched and linked to without a script.
import { renderToStaticMarkup } from "preact-render-to-string";
import { type Index, indexed } from "./index";
import { NamedType, Operation } from "./sections";

/** `{root}` is the address of the server, which it puts in. */
export function rendered(sdl: string): string {
  const index = indexed(sdl);
  return renderToStaticMarkup(
    <>
      <Contents index={index} />
      <div class="schema">
        <h1>GraphQL schema</h1>
        <Reading />
        {index.roots.map((root) => (
          <>
            <h2 id={root.type}>{root.title}</h2>
            {root.fields.map((field) => <Operation root={root} field={field} />)}
          </>
        ))}
        {index.groups.map(({ title, types }) => (
          <>
            <h2 id={title.toLowerCase()}>{title}</h2>
            {types.map((type) => <NamedType type={type} users={index.users.get(type.name) ?? []} />)}
          </>
        ))}
      </div>
    </>,
  );
}

function Reading() {
  return (
    <div class="reading">
      <p>
        One endpoint, <code>POST /graphql</code>. The header <code>x-workspace-id</code> says whose flows are meant, and where
        keys are required <code>x-api-key</code> who asks. Try it in the <a href="{root}">playground</a>; the REST routes are
        in <a href="{root}docs">their own reference</a>.
      </p>
      <ul>
        <li><code>Type!</code> is never null, <code>[Type!]!</code> is a list.</li>
        <li>A member that is left out of an update stays as it is. Null takes a setting back to its default, or is refused; each table says which.</li>
        <li>
          What a mutation refuses is told in the <code>errors</code> of its payload, each with one of
          the <a href="#ErrorCode">codes</a> and the path of what is wrong; then nothing was written.
        </li>
      </ul>
    </div>
  );
}

function Contents({ index }: { index: Index }) {
  return (
    <details class="contents" open>
      <summary>Contents</summary>
      <label class="find">
        <span class="unseen">Find in the schema</span>
        <input type="search" placeholder="Find a type or field…" autocomplete="off" spellcheck={false} />
      </label>
      <p class="found" role="status" />
      <nav aria-label="Contents">
        {index.roots.map(({ type, title, fields }) => (
          <Links title={title} of={fields.map(({ name, args }) => [`${type}.${name}`, name, args.map((arg) => arg.name)])} />
        ))}
        {index.groups.map(({ title, types }) => (
          <Links title={title} of={types.map((type) => [type.name, type.name, membersOf(type)])} />
        ))}
      </nav>
    </details>
  );
}

function Links({ title, of }: { title: string; of: [id: string, name: string, members: string[]][] }) {
  return (
    <div class="links">
      <h2>{title}</h2>
      <ul>
        {of.map(([id, name, members]) => (
          <li data-words={[id, ...members].join(" ").toLowerCase()}>
            <a href={`#${id}`}>{name}</a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function membersOf(type: object): string[] {
  if ("getFields" in type) return Object.keys((type.getFields as () => object)());
  return "getValues" in type ? (type.getValues as () => { name: string }[])().map(({ name }) => name) : [];
}
