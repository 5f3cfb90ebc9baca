// The API key of this visit: asked for when the server wants one, kept until the window closes, never in a URL or on disk.
import { needsKey } from "./server";

const KEPT = "message-flows:key";

/** Told to the window when there is another key: what could not be read without it can be now. */
export const NEW_KEY = "message-flows:new-key";

const REFUSED = "The server refused the last key, or none was given.";

export function key(): string | null {
  return sessionStorage.getItem(KEPT);
}

/** The header that shows the key, if there is one. */
export function keyHeader(): Record<string, string> {
  const kept = key();
  return kept ? { "x-api-key": kept } : {};
}

/** Asks once, unless the key is known or none is needed; ends when the caller has answered or declined. */
export async function keyIfNeeded(): Promise<void> {
  if (needsKey && !key()) await askForKey();
}

type Send = (header: Record<string, string>) => Promise<Response>;

/**
 * Sends with the key that is known. One that is refused, say because it was revoked, is asked for again, and then the
 * request goes out once more: nothing that a person has begun is lost by a key that ends. The same holds for one that
 * may not do what a person has `chosen` to do. `send` adds the header.
 */
export async function withKey(send: Send, chosen = false): Promise<Response> {
  const shown = key();
  const answer = await send(keyHeader());
  const lacksRights = answer.status === 403 && chosen;
  if (!shown || (answer.status !== 401 && !lacksRights)) return answer;
  if (key() === shown) await (lacksRights ? askForKey(await whyForbidden(answer.clone())) : askAnew());
  return key() && key() !== shown ? withKey(send, chosen) : answer;
}

async function whyForbidden(answer: Response): Promise<string> {
  const { errors } = (await answer.json()) as { errors?: { message: string }[] };
  return `The last key was not enough: ${errors?.[0]?.message ?? "it may not do this"}.`;
}

/** For the key that was refused, which is forgotten. */
export function askAnew(): Promise<void> {
  keep("");
  return askForKey(REFUSED);
}

let asking: Promise<void> | null = null;

/** A dialog for the key, one at a time; `why` says what was wrong with the last one, which stays when this is declined. */
export function askForKey(why = ""): Promise<void> {
  asking ??= answered(why).finally(() => (asking = null));
  return asking;
}

function answered(why: string): Promise<void> {
  const dialog = document.createElement("dialog");
  dialog.className = "key";
  dialog.setAttribute("aria-labelledby", "key-title");
  dialog.innerHTML = `
    <form method="dialog">
      <h2 id="key-title">This server asks for an API key</h2>
      <p class="key-why" role="alert"></p>
      <label for="key-value">API key</label>
      <input id="key-value" type="password" autocomplete="off" spellcheck="false" placeholder="mfk_…">
      <p class="key-note">It stays in this window until you close it, and goes to this server alone.</p>
      <menu><button type="button" value="no">Not now</button><button type="submit" class="main">Use it</button></menu>
    </form>`;
  const tell = (sentence: string) => (dialog.querySelector(".key-why")!.textContent = sentence);
  tell(why);
  const input = dialog.querySelector("input")!;
  dialog.querySelector("form")!.addEventListener("submit", (event) => {
    const mistake = mistakeIn(input.value.trim());
    if (!mistake) return keep(input.value.trim());
    event.preventDefault();
    tell(mistake);
    input.select();
  });
  dialog.querySelector("[value=no]")!.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve();
    });
  });
}

/** What no header could carry is not for the server to refuse: a key that a list shows shortened, say. */
function mistakeIn(value: string): string {
  const [strange] = value.match(/[^ -~]/u) ?? [];
  return strange ? `No key has a “${strange}” in it: copy the whole key from where it was made.` : "";
}

function keep(value: string): void {
  if (value) sessionStorage.setItem(KEPT, value);
  else sessionStorage.removeItem(KEPT);
  if (value) dispatchEvent(new Event(NEW_KEY));
}

/** A button in the bar above the page, by which the key is changed. */
export function offerKey(changed: () => void = () => {}): void {
  if (!needsKey) return;
  const button = document.createElement("button");
  button.className = "shell-key";
  button.textContent = "API key…";
  button.addEventListener("click", () => void askForKey().then(changed));
  document.querySelector(".shell")!.append(button);
}
