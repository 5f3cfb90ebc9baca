// Which flows the list shows and in which order; every choice is kept in the address.
import { useEffect, useRef, useState } from "preact/hooks";
import { CHANNELS, DIRECTIONS } from "./leaves";
import { FILTERS, FLAGS, isFiltered, ORDERS, withMember } from "./list-search";

/** Milliseconds without a key before the name is searched for. */
const TYPING = 250;

interface Props {
  search: URLSearchParams;
  changed(search: URLSearchParams): void;
}

export function Filters({ search, changed }: Props) {
  const choose = (name: string) => (value: string) => changed(withMember(search, name, value));
  const given = (name: string) => search.get(name) ?? "";
  const clear = () => changed(FILTERS.reduce((next, name) => withMember(next, name, ""), search));
  return (
    <form class="filters" role="search" aria-label="Filter flows" onSubmit={(event) => event.preventDefault()}>
      <NameSearch name={given("name")} chosen={choose("name")} />
      <Choice label="Channel" value={given("messageChannel")} options={CHANNELS} chosen={choose("messageChannel")} />
      <Choice label="Direction" value={given("direction")} options={DIRECTIONS} chosen={choose("direction")} />
      {Object.entries(FLAGS).map(([name, label]) => (
        <Choice key={name} label={label} value={given(name)} options={{ true: "On", false: "Off" }} chosen={choose(name)} />
      ))}
      <Choice
        label="Order"
        value={given("order") || "newest"}
        options={Object.fromEntries(Object.entries(ORDERS).map(([name, { label }]) => [name, label]))}
        chosen={(value) => choose("order")(value === "newest" ? "" : value)}
        needed
      />
      {isFiltered(search) && (
        <button type="button" class="link" onClick={clear}>
          Clear filters
        </button>
      )}
    </form>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: Record<string, string>;
  needed?: boolean;
  chosen(value: string): void;
}

function Choice({ label, value, options, needed, chosen }: ChoiceProps) {
  return (
    <label class={`filter ${value && !needed ? "set" : ""}`}>
      <span>{label}</span>
      <select value={value} onChange={(event) => chosen(event.currentTarget.value)}>
        {!needed && <option value="">Any</option>}
        {Object.entries(options).map(([option, word]) => (
          <option value={option} key={option}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

function NameSearch({ name, chosen }: { name: string; chosen(value: string): void }) {
  const [typed, setTyped] = useState(name);
  const newest = useRef(chosen);
  newest.current = chosen;
  useEffect(() => setTyped(name), [name]);
  useEffect(() => {
    if (typed === name) return;
    const timer = setTimeout(() => newest.current(typed), TYPING);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <label class={`filter name ${name ? "set" : ""}`}>
      <span>Name contains</span>
      <input type="search" value={typed} maxLength={200} onInput={(event) => setTyped(event.currentTarget.value)} />
    </label>
  );
}
