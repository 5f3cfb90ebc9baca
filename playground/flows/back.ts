// Whoever comes back to the window, or gives another key, has perhaps changed something elsewhere, or others have.
import { NEW_KEY } from "../shell/key";

const MOMENTS = ["focus", "online", NEW_KEY];

/** Calls until the function that it returns is called. */
export function whenBack(read: () => void): () => void {
  for (const moment of MOMENTS) addEventListener(moment, read);
  return () => {
    for (const moment of MOMENTS) removeEventListener(moment, read);
  };
}
