// Asks which workspace to show.
import { useState } from "preact/hooks";
import { needsKey } from "../shell/server";
import type { Session } from "./client";
import { proposed } from "./session";

interface Props {
  session: Session | null;
  refusal: string;
  open(session: Session): void;
}

export function SessionBar({ session, refusal, open }: Props) {
  const [workspace, setWorkspace] = useState(session?.workspace ?? proposed());
  const submit = (event: Event) => {
    event.preventDefault();
    open({ workspace: workspace.trim() });
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
      <button class={session && !refusal ? "quiet" : "primary"}>{session ? "Switch" : "Open"}</button>
      {refusal && (
        <p class="problem" role="alert">
          {refusal}
        </p>
      )}
    </form>
  );
}
