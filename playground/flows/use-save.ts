// Sending what was edited, on top of the version that was seen; what the server refuses comes back as data.
import { useMemo, useRef, useState } from "preact/hooks";
import { ask, codeOf, persistently, sentenced, type Session, told } from "./client";
import { contested, type Draft, edited, input, moved, unreadable } from "./draft";
import {
  type ConflictPolicy,
  type FormFragment,
  type RefusalFragment,
  SaveDocument,
  ToggleAutopilotDocument,
} from "./generated/graphql";
import { newKey } from "./idempotency-key";
import { isLeaf, labelOf, type Leaf, SHOWN } from "./leaves";
import { useTell } from "./notices";
import type { Flow } from "./use-flow";

/** Leaf -> sentence; "" for what belongs to no field. */
export type Errors = Record<string, string>;

/** What was refused, `about` a leaf or a block ("" is the flow as a whole), and `at` which leaf that is told. */
interface Refusal {
  about: string;
  at: string;
  sentence: string;
}

export interface Save {
  errors: Errors;
  busy: boolean;
  /** Why, for the history. */
  note: string;
  setNote(note: string): void;
  save(): Promise<void>;
  /** Mine on top of theirs: merged where nothing meets, else as the explicit choice that it is. */
  applyOnTop(): Promise<void>;
  toggle(): Promise<void>;
  /** What was refused about a leaf that has changed since, or about a block that it belongs to; all without a leaf. */
  forget(leaf?: Leaf): void;
}

export function useSave(session: Session, { draft, move, again }: Flow): Save {
  const [refusals, refused] = useState<Refusal[]>([]);
  const errors = useMemo(() => byLeaf(refusals), [refusals]);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const tell = useTell();
  // Kept until an answer came: whoever presses again after a lost answer asks for the same flip, not for another one.
  const toggleKey = useRef<string | null>(null);

  async function send(current: Draft, ifVersion: number, onConflict: ConflictPolicy): Promise<void> {
    const unread = unreadable(current.edits);
    if (unread.length) return refused(unread.map((leaf) => ({ about: leaf, at: leaf, sentence: "This is not a number." })));
    const { id } = current.now;
    const variables = { id, input: input(current.edits), ifVersion, onConflict, note: note || null };
    const { updateMessageFlow: done } = await ask(session, SaveDocument, variables);
    const conflict = done.errors.some(({ code }) => code === "VERSION_CONFLICT");
    if (conflict && done.messageFlow) return refuse(current, done.messageFlow);
    if (done.errors.length || !done.messageFlow) return decline(done.errors, edited(current));
    refused([]);
    setNote("");
    move({ kind: "save", flow: done.messageFlow, sent: current.edits });
    tell({ text: saved(done.changedFields, done.messageFlow.version, done.rebasedFrom) });
  }

  /** Whoever saves again after a lost answer was perhaps first themselves: then the flow has all that was sent. */
  function refuse(sent: Draft, flow: FormFragment): void {
    const step = { kind: "refuse", flow } as const;
    refused([]);
    move(step);
    if (edited(moved(sent, step)).length) return;
    setNote("");
    tell({ text: `Nothing had to be changed: version ${flow.version} has all of it.` });
  }

  /** A flow that is not there any more is read again, which tells that; any other refusal is told where it belongs. */
  function decline(errors: readonly RefusalFragment[], sent: Leaf[] = []): void {
    const gone = errors.some(({ code }) => code === "NOT_FOUND");
    refused(gone ? [] : placed(errors, sent));
    if (gone) again();
  }

  /** One at a time: buttons keep the focus while they wait, so they can be pressed. */
  async function busily(work: () => Promise<void>): Promise<void> {
    if (busy) return;
    setBusy(true);
    try {
      await work();
    } catch (error) {
      const sure = codeOf(error) === "UNREACHABLE" ? " It is not known whether it was saved; saving again is safe." : "";
      refused([{ about: "", at: "", sentence: told(error) + sure }]);
    }
    setBusy(false);
  }

  async function save(): Promise<void> {
    if (draft && edited(draft).length) await busily(() => send(draft, draft.seen.version, "REJECT"));
  }

  async function applyOnTop(): Promise<void> {
    if (!draft) return;
    const [version, policy] = contested(draft).length
      ? ([draft.now.version, "REJECT"] as const)
      : ([draft.seen.version, "MERGE"] as const);
    await busily(() => send(draft, version, policy));
  }

  async function toggle(): Promise<void> {
    if (!draft) return;
    const idempotencyKey = (toggleKey.current ??= newKey());
    await busily(async () => {
      const variables = { id: draft.now.id, idempotencyKey };
      const { updateMessageFlow: done } = await persistently(() => ask(session, ToggleAutopilotDocument, variables));
      toggleKey.current = null;
      if (!done.messageFlow) return decline(done.errors);
      move({ kind: "arrive", flow: done.messageFlow });
      tell({ text: `Autopilot is ${done.messageFlow.autopilot ? "on" : "off"}.` });
    });
  }

  const forget = (leaf?: Leaf) => refused(leaf ? refusals.filter(({ about }) => !isPartOf(leaf, about)) : []);
  return { errors, busy, note, setNote, save, applyOnTop, toggle, forget };
}

export function byPath(errors: readonly RefusalFragment[]): Errors {
  return byLeaf(placed(errors));
}

/** A refusal of a whole block stands at the first of its leaves that was sent, and may be mended in any of them. */
function placed(errors: readonly RefusalFragment[], sent: Leaf[] = []): Refusal[] {
  return errors.map(({ path, message }) => {
    const about = path.join(".");
    const at = isLeaf(about) ? about : (sent.find((leaf) => about && isPartOf(leaf, about)) ?? "");
    return { about, at, sentence: sentenced(inLabels(about, message)) };
  });
}

function isPartOf(leaf: Leaf, path: string): boolean {
  return path === "" || leaf === path || leaf.startsWith(`${path}.`);
}

function byLeaf(refusals: Refusal[]): Errors {
  const found: Errors = {};
  for (const { at, sentence } of refusals) found[at] = found[at] ? `${found[at]} ${sentence}` : sentence;
  return found;
}

/** The sentence about a leaf by the name that the form has for it. */
function inLabels(leaf: string, message: string): string {
  return isLeaf(leaf) ? message.replace(leaf, SHOWN[leaf].label) : message;
}

function saved(changed: string[], version: number, rebasedFrom: number | null | undefined): string {
  if (!changed.length) return "Nothing had to be changed.";
  const names = changed.map(labelOf).join(", ");
  const merged = rebasedFrom == null ? "" : `, on top of what others changed since version ${rebasedFrom}`;
  return `Saved as version ${version}: ${names}${merged}.`;
}
