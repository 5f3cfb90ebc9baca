// The heading of a page: whoever comes from another one starts to read there, with keyboard and screen reader as well.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { hasMoved, leftAt } from "./router";

export function Heading({ id, children }: { id: string; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // What had the focus went with the other page, unless something was gone to since.
    if (hasMoved() && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 id={id} ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

/** Before what has the focus goes away. */
export function focusHeading(): void {
  document.querySelector("h1")?.focus({ preventScroll: true });
}

/** For another part of the same page. */
export function startAtTop(): void {
  scrollTo(0, 0);
  focusHeading();
}

/** Where a place that was come back to was left, as soon as it is shown again. */
export function resume(): void {
  const left = leftAt();
  if (left === null) return;
  scrollTo(0, left);
  if (document.activeElement === document.body) focusHeading();
}
