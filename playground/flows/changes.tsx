// Leaves with their values before and after.
import { inWords, isTime, labelOf } from "./leaves";
import { Moment } from "./moment";

/** Characters of a value that are shown before one asks for more. */
const SHORT = 120;

export interface Change {
  path: string;
  before?: unknown;
  after?: unknown;
}

export function Changes({ changes, isNew }: { changes: Change[]; isNew?: boolean }) {
  if (!changes.length) return null;
  const list = (
    <dl class="changes">
      {changes.map(({ path, before, after }) => (
        <div key={path} data-leaf={path}>
          <dt>{labelOf(path)}</dt>
          {!isNew && (
            <dd class="before">
              <span class="unseen">before: </span>
              <Told path={path} value={before} />
            </dd>
          )}
          <dd class="after">
            <span class="unseen">after: </span>
            <Told path={path} value={after} />
          </dd>
        </div>
      ))}
    </dl>
  );
  if (!isNew) return list;
  return (
    <details>
      <summary>{changes.length} settings</summary>
      {list}
    </details>
  );
}

export function Told({ path, value }: { path: string; value: unknown }) {
  const text = inWords(path, value);
  if (!text) return <span class="faint">empty</span>;
  if (isTime(path)) return <Moment at={text} />;
  if (text.length <= SHORT) return <>{text}</>;
  return (
    <details class="long">
      <summary>
        <span>{text.slice(0, SHORT)}…</span>
      </summary>
      {text}
    </details>
  );
}
