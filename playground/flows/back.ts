// Whoever comes back to the window, or gives another key, has perhaps changed something elsewhere, or others have.
import { useEffect } from "preact/hooks";
import { NEW_KEY } from "../shell/key";

/** Told to the window when the server is there again after it was not. */
export const REACHED = "flows:reached";

const MOMENTS = ["focus", "online", NEW_KEY];

/** Calls until the function that it returns is called. */
export function whenBack(read: () => void): () => void {
  return whenAny(MOMENTS, read);
}

/** What could not be read is read again as soon as that may succeed. */
export function useRetry(failed: boolean, read: () => void): void {
  useEffect(() => {
    if (failed) return whenAny([NEW_KEY, REACHED], read);
  }, [failed]);
}

function whenAny(moments: string[], read: () => void): () => void {
  for (const moment of moments) addEventListener(moment, read);
  return () => {
    for (const moment of moments) removeEventListener(moment, read);
  };
}
