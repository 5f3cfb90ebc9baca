// Asks which workspace to show, and for a key where the server requires one.
import { useState } from "preact/hooks";
import { needsKey } from "../shell/server";
import type { Session } from "./client";
import { proposed } from "./session";

interface Props {
  session: Session | null;
  refusal: string;
  opened(session: Session): void;
}

export function SessionBar({ session, refusal, opened }: Props) {
  const [workspace, setWorkspace] = useState(session?.workspace ?? proposed());
  const [key, setKey] = useState(session?.key ?? "");
  const submit = (event: Event) => {
    event.preventDefault();
    opened({ workspace: workspace.trim(), key: key.trim() });
  };
  return (
    <form class="session" onSubmit={submit} aria-label="Workspace">
      <label class="session-field">
        <span>Workspace</span>
        <input
          value={workspace}
          onInput={(event) => setWorkspace(event.currentTarget.value)}
          required={!needsKey}
          maxLength={64}
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      {needsKey && (
        <label class="session-field">
          <span>API key</span>
          <input
            type="password"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
            required
            autocomplete="off"
            placeholder="mfk_…"
          />
        </label>
      )}
      <button class={session && !refusal ? "quiet" : "primary"}>{session ? "Switch" : "Open"}</button>
      {refusal && (
        <p class="problem" role="alert">
          {refusal}
        </p>
      )}
    </form>
  );
}
