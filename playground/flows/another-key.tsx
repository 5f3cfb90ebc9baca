// What one key may not read another may: a way to give one, beside what was refused. Everything is read again with it.
import { askForKey } from "../shell/key";

export function AnotherKey({ code }: { code: string }) {
  if (code !== "FORBIDDEN") return null;
  return <button onClick={() => void askForKey()}>Use another key…</button>;
}
