// Sending what was edited, on top of the version that was seen; what the server refuses comes back as data.
import { useRef, useState } from "preact/hooks";
import { ask, codeOf, persistently, sentenced, type Session, told } from "./client";
import { contested, type Draft, edited, input, unreadable } from "./draft";
import {
  type ConflictPolicy,
  type FormFragment,
  type RefusalFragment,
  SaveDocument,
  ToggleAutopilotDocument,
} from "./generated/graphql";
import { isLeaf, type Leaf, SHOWN } from "./leaves";
import { useTell } from "./notices";
import type { Flow } from "./use-flow";

/** Path below the input -> sentence; "" for what belongs to no field. */
export type Errors = Record<string, string>;

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
  forget(path: string): void;
}

export function useSave(session: Session, { draft, move }: Flow): Save {
  const [errors, setErrors] = useState<Errors>({});
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const tell = useTell();
  // Kept until an answer came: whoever presses again after a lost answer asks for the same flip, not for another one.
  const toggleKey = useRef<string | null>(null);

  async function send(current: Draft, ifVersion: number, onConflict: ConflictPolicy): Promise<void> {
    const unread = unreadable(current.edits);
    if (unread.length) return setErrors(Object.fromEntries(unread.map((leaf) => [leaf, "This is not a number."])));
    const { id } = current.now;
    const variables = { id, input: input(current.edits), ifVersion, onConflict, note: note || null };
    const { updateMessageFlow: done } = await ask(session, SaveDocument, variables);
    const conflict = done.errors.some(({ code }) => code === "VERSION_CONFLICT");
    if (conflict && done.messageFlow) return refuse(done.messageFlow);
    if (done.errors.length || !done.messageFlow) return setErrors(byPath(done.errors, edited(current)));
    setErrors({});
    setNote("");
    move({ kind: "save", flow: done.messageFlow, sent: current.edits });
    tell({ text: saved(done.changedFields, done.messageFlow.version, done.rebasedFrom) });
  }

  function refuse(flow: FormFragment): void {
    setErrors({});
    move({ kind: "refuse", flow });
  }

  async function busily(work: () => Promise<void>): Promise<void> {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      const sure = codeOf(error) === "UNREACHABLE" ? " It is not known whether it was saved; saving again is safe." : "";
      setErrors({ "": told(error) + sure });
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
    const idempotencyKey = (toggleKey.current ??= crypto.randomUUID());
    await busily(async () => {
      const variables = { id: draft.now.id, idempotencyKey };
      const { updateMessageFlow: done } = await persistently(() => ask(session, ToggleAutopilotDocument, variables));
      toggleKey.current = null;
      if (!done.messageFlow) return setErrors(byPath(done.errors));
      move({ kind: "arrive", flow: done.messageFlow });
      tell({ text: `Autopilot is ${done.messageFlow.autopilot ? "on" : "off"}.` });
    });
  }

  // What belongs to no field may be mended in any.
  const forget = (path: string) => setErrors(({ [path]: _, "": __, ...rest }) => rest);
  return { errors, busy, note, setNote, save, applyOnTop, toggle, forget };
}

/** A refusal of a whole block stands at the first of its leaves that was sent. */
export function byPath(errors: readonly RefusalFragment[], sent: Leaf[] = []): Errors {
  const found: Errors = {};
  for (const { path, message } of errors) {
    const leaf = path.join(".");
    const place = isLeaf(leaf) ? leaf : (sent.find((one) => one.startsWith(`${leaf}.`)) ?? "");
    const sentence = sentenced(inLabels(leaf, message));
    found[place] = found[place] ? `${found[place]} ${sentence}` : sentence;
  }
  return found;
}

/** The sentence about a leaf by the name that the form has for it. */
function inLabels(leaf: string, message: string): string {
  return isLeaf(leaf) ? message.replace(leaf, SHOWN[leaf].label) : message;
}

function saved(changed: string[], version: number, rebasedFrom: number | null | undefined): string {
  if (!changed.length) return "Nothing had to be changed.";
  const names = changed.map((path) => (isLeaf(path) ? SHOWN[path].label : path)).join(", ");
  const merged = rebasedFrom == null ? "" : `, on top of what others changed since version ${rebasedFrom}`;
  return `Saved as version ${version}: ${names}${merged}.`;
}
