// A question over the page: the browser's own dialog, which keeps the focus inside and gives it back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { focusHeading } from "./heading";

interface Props {
  title: string;
  wide?: boolean;
  closed(): void;
  children: ComponentChildren;
}

export function Dialog({ title, wide, closed, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    // Taken away while it is open it would keep the focus to itself.
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      else focusHeading();
    };
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    closed();
  };
  return (
    <dialog ref={dialog} class={wide ? "wide" : ""} aria-labelledby={heading} onCancel={cancel}>
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}

interface QuestionProps {
  title: string;
  text: ComponentChildren;
  yes: string;
  danger?: boolean;
  answer(yes: boolean): void;
}

export function Question({ title, text, yes, danger, answer }: QuestionProps) {
  return (
    <Dialog title={title} closed={() => answer(false)}>
      <p>{text}</p>
      <div class="actions">
        <button onClick={() => answer(false)}>Cancel</button>
        <button class={danger ? "danger" : "primary"} onClick={() => answer(true)}>
          {yes}
        </button>
      </div>
    </Dialog>
  );
}
