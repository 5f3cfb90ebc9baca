// One leaf: its label, its control, what it means, what is wrong with it, whether it was edited, and a way back.
import { useId } from "preact/hooks";
import { defaultOf, inWords, type Leaf, meaning, SHOWN, type Value } from "./leaves";

interface Props {
  leaf: Leaf;
  value: Value;
  error?: string | undefined;
  edited?: boolean;
  resets?: boolean;
  /** What others have made of it while it was edited here. */
  theirs?: Value | undefined;
  changed(value: Value | null): void;
  keepMine?(): void;
  takeTheirs?(): void;
  undo?(): void;
}

/** The first field that was refused takes the focus and comes to the middle: its sentence is read, not behind what sticks below. */
export function focusRefused(form: HTMLElement | null): void {
  const wrong = form?.querySelector<HTMLElement>("[aria-invalid=true]");
  wrong?.focus({ preventScroll: true });
  wrong?.closest(".field")?.scrollIntoView({ block: "center" });
}

export function Field(props: Props) {
  const { leaf, value, error, edited, theirs } = props;
  const id = useId();
  const { label, control } = SHOWN[leaf];
  const told = [`${id}-hint`, error && `${id}-error`, theirs !== undefined && `${id}-theirs`].filter(Boolean).join(" ");
  /** The button that was pressed goes away: its field has the focus then. */
  const backAfter = (step?: () => void) => () => {
    step?.();
    document.getElementById(id)?.focus();
  };
  const states = [edited && "edited", error && "wrong", theirs !== undefined && "contested"].filter(Boolean).join(" ");
  return (
    <div class={`field ${control.kind} ${states}`} data-leaf={leaf}>
      <div class="field-head">
        <label for={id}>{label}</label>
        {edited && props.undo && <Undo label={label} undo={backAfter(props.undo)} resets={props.resets} />}
        {!edited && defaultOf(leaf) !== undefined && props.undo && value !== defaultOf(leaf) && (
          <Reset leaf={leaf} label={label} reset={backAfter(() => props.changed(null))} />
        )}
      </div>
      <Input {...props} id={id} told={told} value={value} />
      <p class="hint" id={`${id}-hint`}>
        {meaning(leaf)}
      </p>
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {theirs !== undefined && (
        <div class="theirs" id={`${id}-theirs`}>
          <span>
            Meanwhile changed elsewhere to <q>{inWords(leaf, theirs) || "nothing"}</q>
          </span>
          <button type="button" onClick={backAfter(props.takeTheirs)}>
            Take theirs
          </button>
          <button type="button" onClick={backAfter(props.keepMine)}>
            Keep mine
          </button>
        </div>
      )}
    </div>
  );
}

function Undo({ label, undo, resets }: { label: string; undo(): void; resets: boolean | undefined }) {
  return (
    <span class="field-state">
      <span class="badge">{resets ? "reset to default" : "edited"}</span>
      <button type="button" class="link" onClick={undo} aria-label={`Undo the edit of ${label}`}>
        Undo
      </button>
    </span>
  );
}

function Reset({ leaf, label, reset }: { leaf: Leaf; label: string; reset(): void }) {
  const back = inWords(leaf, defaultOf(leaf)) || "empty";
  return (
    <button type="button" class="link quiet-link" onClick={reset} aria-label={`Reset to ${back}: ${label}`}>
      Reset to {back}
    </button>
  );
}

interface InputProps extends Props {
  id: string;
  told: string;
}

function Input({ leaf, id, told, value, error, changed }: InputProps) {
  const { control } = SHOWN[leaf];
  const usual = { id, "aria-describedby": told, "aria-invalid": error ? true : undefined };
  switch (control.kind) {
    case "switch":
      return (
        <input {...usual} type="checkbox" role="switch" checked={value === true} onChange={(event) => changed(event.currentTarget.checked)} />
      );
    case "choice":
      return (
        <select {...usual} value={String(value)} onChange={(event) => changed(event.currentTarget.value)}>
          {Object.entries(control.options).map(([option, word]) => (
            <option value={option} key={option}>
              {word}
            </option>
          ))}
        </select>
      );
    case "text":
      return <textarea {...usual} rows={control.rows} value={String(value)} onInput={(event) => changed(event.currentTarget.value)} />;
    case "number":
      return (
        <input {...usual} inputMode="decimal" autocomplete="off" value={String(value)} onInput={(event) => changed(numberIn(event.currentTarget.value))} />
      );
    case "line":
      return (
        <>
          <input
            {...usual}
            class={control.size}
            autocomplete="off"
            spellcheck={!control.size && !control.suggestions}
            list={control.suggestions && `${id}-list`}
            value={String(value)}
            onInput={(event) => changed(event.currentTarget.value)}
          />
          {control.suggestions && (
            <datalist id={`${id}-list`}>
              {control.suggestions().map((name) => (
                <option value={name} key={name} />
              ))}
            </datalist>
          )}
        </>
      );
  }
}

/** The number that was written, else the text as it stands: "2." may become 2.5, and "Infinity" is none that JSON has. */
function numberIn(text: string): Value {
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text.trim() ? number : text;
}
