// A flow while it is edited: what was seen, what is there now, what the person has changed; pure.
import type { FormFragment, UpdateMessageFlowInput } from "./generated/graphql";
import { defaultOf, differing, type Leaf, patch, read, SHOWN, type Value } from "./leaves";

/** An edit's value; null resets the leaf to its default. */
export type Edits = Partial<Record<Leaf, Value | null>>;

/**
 * `seen` is the flow that the edits were made upon, `now` the newest one known. They differ only while somebody else has
 * changed a leaf that is edited here as well, or after the server refused a save for that.
 */
export interface Draft {
  seen: FormFragment;
  now: FormFragment;
  edits: Edits;
  refused: boolean;
}

export type Move =
  | { kind: "edit"; leaf: Leaf; value: Value | null }
  | { kind: "arrive"; flow: FormFragment }
  | { kind: "refuse"; flow: FormFragment }
  | { kind: "save"; flow: FormFragment; sent: Edits }
  | { kind: "keepMine"; leaf: Leaf }
  | { kind: "takeTheirs"; leaf: Leaf }
  | { kind: "discard" }
  | { kind: "reconsider" };

export function opened(flow: FormFragment): Draft {
  return { seen: flow, now: flow, edits: {}, refused: false };
}

export function shown(draft: Draft, leaf: Leaf): Value {
  const edit = draft.edits[leaf];
  if (edit === undefined) return read(draft.now, leaf);
  return edit ?? defaultOf(leaf) ?? "";
}

export function edited(draft: Draft): Leaf[] {
  return Object.keys(draft.edits) as Leaf[];
}

/** Leaves that others have changed since the edits were begun. */
export function theirs(draft: Draft): Leaf[] {
  return differing(draft.seen, draft.now);
}

/** Leaves that were edited here and changed by others. */
export function contested(draft: Draft): Leaf[] {
  return theirs(draft).filter((leaf) => draft.edits[leaf] !== undefined);
}

/** What was changed and nothing else. */
export function input(edits: Edits): UpdateMessageFlowInput {
  return patch((Object.entries(edits) as [Leaf, Value | null][]).map(([leaf, value]) => [leaf, sendable(leaf, value)]));
}

/** Edits that cannot be sent: text where a number belongs. */
export function unreadable(edits: Edits): Leaf[] {
  return (Object.entries(edits) as [Leaf, Value | null][])
    .filter(([leaf, value]) => isNumber(leaf) && typeof sendable(leaf, value) === "string")
    .map(([leaf]) => leaf);
}

function sendable(leaf: Leaf, value: Value | null): Value | null {
  if (!isNumber(leaf) || typeof value !== "string") return value;
  return value.trim() && Number.isFinite(Number(value)) ? Number(value) : value;
}

function isNumber(leaf: Leaf): boolean {
  return SHOWN[leaf].control.kind === "number";
}

export function moved(draft: Draft, move: Move): Draft {
  switch (move.kind) {
    case "edit":
      return settled({ ...draft, edits: { ...draft.edits, [move.leaf]: move.value } });
    case "arrive":
      return move.flow.version > draft.now.version ? settled({ ...draft, now: move.flow }) : draft;
    case "refuse":
      return settled({ ...draft, now: newer(draft.now, move.flow), refused: true });
    case "save":
      // What was sent is known here too; of what others have changed meanwhile nothing is.
      return settled({
        seen: grafted(draft.seen, move.flow, Object.keys(move.sent) as Leaf[]),
        now: newer(draft.now, move.flow),
        edits: without(draft.edits, move.sent),
        refused: false,
      });
    case "keepMine":
      return settled({ ...draft, seen: grafted(draft.seen, draft.now, [move.leaf]) });
    case "takeTheirs":
      return settled({ ...draft, edits: without(draft.edits, { [move.leaf]: draft.edits[move.leaf] }) });
    case "discard":
      return opened(draft.now);
    case "reconsider":
      return settled({ ...draft, refused: false });
  }
}

/** Edits that change nothing are none, and nothing of them is refused; where nothing is contested the newest flow counts as seen. */
function settled(draft: Draft): Draft {
  const kept = edited(draft).filter((leaf) => shown(draft, leaf) !== read(draft.now, leaf));
  const edits = Object.fromEntries(kept.map((leaf) => [leaf, draft.edits[leaf]]));
  const next = { ...draft, edits, refused: draft.refused && kept.length > 0 };
  return next.refused || contested(next).length ? next : { ...next, seen: next.now };
}

/** The edits that were made since `sent` went out. */
function without(edits: Edits, sent: Edits): Edits {
  return Object.fromEntries(Object.entries(edits).filter(([leaf, value]) => sent[leaf as Leaf] !== value));
}

function newer(one: FormFragment, other: FormFragment): FormFragment {
  return other.version >= one.version ? other : one;
}

/** A flow with some leaves of another. */
function grafted(flow: FormFragment, other: FormFragment, leaves: Leaf[]): FormFragment {
  const copy = structuredClone(flow) as unknown as Record<string, unknown>;
  for (const leaf of leaves) {
    const names = leaf.split(".");
    const last = names.pop() as string;
    names.reduce((block, name) => block[name] as Record<string, unknown>, copy)[last] = read(other, leaf);
  }
  return copy as unknown as FormFragment;
}
