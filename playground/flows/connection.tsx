// Whether changes of others arrive as they happen, told by a dot and a word.
import type { Connection } from "./live";

const WORDS: Record<Connection, [string, string]> = {
  live: ["Live", "Changes of others show here as they happen."],
  connecting: ["Connecting…", "Changes of others will show here in a moment."],
  waiting: ["Reconnecting…", "Changes of others do not arrive just now; they will be caught up with."],
};

export function ConnectionDot({ state }: { state: Connection }) {
  const [word, meaning] = WORDS[state];
  return (
    <span class={`connection ${state}`} title={meaning}>
      <span class="dot" aria-hidden="true" />
      {word}
    </span>
  );
}
