// Unsaved edits are not left by accident, neither inside the page nor by closing it.
import { useEffect, useRef, useState } from "preact/hooks";
import { guardLeaving } from "./router";

export interface LeaveGuard {
  asking: boolean;
  answer(leave: boolean): void;
}

export function useLeaveGuard(dirty: boolean): LeaveGuard {
  const [asking, setAsking] = useState(false);
  const decide = useRef<(leave: boolean) => void>(() => {});
  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    guardLeaving(() => {
      setAsking(true);
      return new Promise((decided) => {
        decide.current = decided;
      });
    });
    return () => {
      removeEventListener("beforeunload", warn);
      guardLeaving(null);
    };
  }, [dirty]);
  const answer = (leave: boolean) => {
    setAsking(false);
    decide.current(leave);
  };
  return { asking, answer };
}
