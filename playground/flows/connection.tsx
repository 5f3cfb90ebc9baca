// Whether changes of others arrive as they happen, told by a dot and a word; its title says more.
import type { Connection } from "./live";

const WORDS: Record<Connection["state"], [string, string]> = {
  live: ["Live", "Changes of others show here as they happen."],
  connecting: ["Connecting…", "Changes of others will show here in a moment."],
  waiting: ["Reconnecting…", "Changes of others do not arrive just now; they will be caught up with."],
  refused: ["Refused", "Changes of others do not arrive here."],
};

export function ConnectionDot({ state, why }: Connection) {
  const [word, meaning] = WORDS[state];
  return (
    <span class={`connection ${state}`} title={why ?? meaning}>
      <span class="dot" aria-hidden="true" />
      {word}
    </span>
  );
}
