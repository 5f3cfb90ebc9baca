// What was done and what went wrong, told once in words: seen by the eye, heard by screen readers, with an undo where there is one.
import { createContext } from "preact";
import { useContext, useLayoutEffect } from "preact/hooks";
import { focusHeading } from "./heading";

export interface Notice {
  text: string;
  tone?: "good" | "bad";
  action?: { label: string; run(): void };
}

export type Tell = (notice: Notice | null) => void;

export const Telling = createContext<Tell>(() => {});

export function useTell(): Tell {
  return useContext(Telling);
}

/** Milliseconds after which good news that ask for nothing are gone. */
const READ = 7_000;

export function Notices({ notice, tell }: { notice: Notice | null; tell: Tell }) {
  // The timer of a notice ends in the moment that shows the next one, which it would take away.
  useLayoutEffect(() => {
    if (!notice || notice.action || notice.tone === "bad") return;
    const timer = setTimeout(() => tell(null), READ);
    return () => clearTimeout(timer);
  }, [notice]);
  const answer = (run: () => void) => () => {
    focusHeading();
    run();
  };
  return (
    <div class="notices" role="status" aria-live="polite">
      {notice && (
        <div class={`notice ${notice.tone ?? "good"}`}>
          <span>{notice.text}</span>
          {notice.action && (
            <button class="link" onClick={answer(notice.action.run)}>
              {notice.action.label}
            </button>
          )}
          <button class="icon" aria-label="Dismiss" onClick={answer(() => tell(null))}>
            ✕
          </button>
        </div>
      )}
    </div>
  );
}
