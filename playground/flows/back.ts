// Whoever comes back to the window has perhaps changed something elsewhere, or others have.

/** Calls until the function that it returns is called. */
export function whenBack(read: () => void): () => void {
  addEventListener("focus", read);
  addEventListener("online", read);
  return () => {
    removeEventListener("focus", read);
    removeEventListener("online", read);
  };
}
