// A save that was refused because somebody else was first: theirs and mine side by side, and what to do about it.
import type { Dispatch } from "preact/hooks";
import { Told } from "./changes";
import { Dialog } from "./dialog";
import { contested, type Draft, edited, type Move, shown, theirs } from "./draft";
import { ALL, type Leaf, read, SHOWN } from "./leaves";
import type { Save } from "./use-save";

interface Props {
  draft: Draft;
  move: Dispatch<Move>;
  save: Save;
}

export function Conflict({ draft, move, save }: Props) {
  const fought = contested(draft);
  const touched = new Set([...theirs(draft), ...edited(draft)]);
  const told = Object.values(save.errors).join(" ");
  const close = () => move({ kind: "reconsider" });
  return (
    <Dialog title="Somebody else was first" wide closed={close}>
      <p>
        You edited version {draft.seen.version}; the flow is at version {draft.now.version} now.{" "}
        {fought.length
          ? "You both changed what is marked: applying yours on top replaces theirs there."
          : "You changed different things: both can stand."}
      </p>
      <table class="sides">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Before</th>
            <th scope="col">Theirs</th>
            <th scope="col">Mine</th>
          </tr>
        </thead>
        <tbody>
          {ALL.filter((leaf) => touched.has(leaf)).map((leaf) => (
            <Sides key={leaf} leaf={leaf} draft={draft} fought={fought.includes(leaf)} />
          ))}
        </tbody>
      </table>
      {told && (
        <p class="problem" role="alert">
          {told}
        </p>
      )}
      <div class="actions">
        <button onClick={close}>Keep editing</button>
        <button onClick={() => move({ kind: "discard" })}>Take theirs</button>
        <button class="primary" aria-disabled={save.busy} onClick={() => void save.applyOnTop()}>
          Apply mine on top
        </button>
      </div>
    </Dialog>
  );
}

function Sides({ leaf, draft, fought }: { leaf: Leaf; draft: Draft; fought: boolean }) {
  const before = read(draft.seen, leaf);
  const now = read(draft.now, leaf);
  const mine = draft.edits[leaf];
  return (
    <tr class={fought ? "fought" : ""} data-leaf={leaf}>
      <th scope="row">
        {SHOWN[leaf].label}
        {fought && <span class="badge">both</span>}
      </th>
      <td data-side="Before">
        <Told path={leaf} value={before} />
      </td>
      <td data-side="Theirs">{now === before ? <Unchanged /> : <Told path={leaf} value={now} />}</td>
      <td data-side="Mine">{mine === undefined ? <Unchanged /> : <Told path={leaf} value={shown(draft, leaf)} />}</td>
    </tr>
  );
}

function Unchanged() {
  return <span class="faint">unchanged</span>;
}
