// All settings of a flow as a form; what was edited is sent when it is saved, and nothing else.
import type { Dispatch } from "preact/hooks";
import { useLayoutEffect, useRef } from "preact/hooks";
import { contested, type Draft, edited, type Move, shown } from "./draft";
import { Field, focusRefused } from "./field";
import { type Leaf, read, SECTIONS } from "./leaves";
import type { Save } from "./use-save";

interface Props {
  draft: Draft;
  move: Dispatch<Move>;
  save: Save;
  disabled: boolean;
}

export function FlowForm({ draft, move, save, disabled }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const last = useRef<HTMLElement | null>(null);
  const fought = contested(draft);

  // When an answer has come, not while what it refused is mended; with the answer itself, before anything is typed behind it.
  useLayoutEffect(() => {
    if (!save.busy) focusRefused(form.current);
  }, [save.busy]);
  const discard = () => {
    save.forget();
    move({ kind: "discard" });
  };

  const submit = (event: Event) => {
    event.preventDefault();
    void save.save();
  };
  const field = (leaf: Leaf) => (
    <Field
      key={leaf}
      leaf={leaf}
      value={shown(draft, leaf)}
      error={save.errors[leaf]}
      edited={draft.edits[leaf] !== undefined}
      resets={draft.edits[leaf] === null}
      theirs={fought.includes(leaf) ? read(draft.now, leaf) : undefined}
      changed={(value) => {
        save.forget(leaf);
        move({ kind: "edit", leaf, value });
      }}
      undo={() => {
        save.forget(leaf);
        move({ kind: "takeTheirs", leaf });
      }}
      keepMine={() => move({ kind: "keepMine", leaf })}
      takeTheirs={() => move({ kind: "takeTheirs", leaf })}
    />
  );
  return (
    <form ref={form} class="flow-form" id="settings" aria-label="Settings" onSubmit={submit} noValidate>
      <fieldset disabled={disabled} onFocusIn={(event) => (last.current = event.target as HTMLElement)}>
        {SECTIONS.map(({ title, leaves }) => (
          <section class="card" key={title}>
            <h2>{title}</h2>
            <div class="fields">{leaves.map(field)}</div>
          </section>
        ))}
      </fieldset>
      {(edited(draft).length > 0 || save.errors[""]) && (
        <SaveBar draft={draft} discard={discard} save={save} disabled={disabled} back={() => last.current?.focus()} />
      )}
    </form>
  );
}

interface SaveBarProps {
  draft: Draft;
  discard(): void;
  save: Save;
  disabled: boolean;
  /** To the field that was edited last. */
  back(): void;
}

function SaveBar({ draft, discard, save, disabled, back }: SaveBarProps) {
  const edits = edited(draft).length;
  const problem = save.errors[""];
  const bar = useRef<HTMLDivElement>(null);
  // Whoever saved or discarded by keyboard goes on where they were.
  useLayoutEffect(
    () => () => {
      if (bar.current?.querySelector(":focus-visible")) back();
    },
    [],
  );
  return (
    <div ref={bar} class="save-bar">
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <span class="edits">{edits === 1 ? "1 change" : `${edits} changes`}</span>
      <label class="note">
        <span class="unseen">Why, for the history</span>
        <input
          value={save.note}
          maxLength={1000}
          placeholder="Why? (for the history)"
          onInput={(event) => save.setNote(event.currentTarget.value)}
        />
      </label>
      <button type="button" onClick={discard}>
        Discard
      </button>
      <button class="primary" aria-disabled={save.busy} disabled={disabled || !edits}>
        Save
      </button>
    </div>
  );
}
