// One day of the picture: open hours, what the clock skips or repeats, and now; told in words as well.
import { type Change, type Day, named, type Stretch, timeOf } from "./week-picture";

const MINUTES = 24 * 60;

export function DayRow({ day, wall }: { day: Day; wall: number | undefined }) {
  const minute = wall === undefined ? undefined : (wall % (MINUTES * 60_000)) / 60_000;
  return (
    <li class={minute === undefined ? "day" : "day today"} data-date={day.date}>
      <span class="day-name">
        {named(day.date, { weekday: "short" })} <span class="faint">{named(day.date, { day: "numeric" })}</span>
      </span>
      <div class="bar" aria-hidden="true">
        {day.open.map((part) => block(`open ${part.round}`, part))}
        {day.repeated.map((part) => block("repeated", part))}
        {day.skipped.map((part) => block("skipped", part))}
        {minute !== undefined && <div class="now" style={{ left: `${(minute / MINUTES) * 100}%` }} />}
      </div>
      <span class="unseen">{openInWords(day.open)}</span>
      {day.changes.map((change) => (
        <p class="clock-change" key={change.before}>
          {changeInWords(change)}
        </p>
      ))}
    </li>
  );
}

function block(kind: string, { from, to }: Stretch) {
  const place = { left: `${(from / MINUTES) * 100}%`, width: `${((to - from) / MINUTES) * 100}%` };
  return <div class={kind} key={`${kind} ${from}`} style={place} title={`${timeOf(from)} to ${timeOf(to)}`} />;
}

const ROUNDS = { once: "", first: " (first time round)", second: " (second time round)" };

function openInWords(open: Stretch[]): string {
  if (!open.length) return "closed";
  return `open ${open.map(({ from, to, round }) => `${timeOf(from)} to ${timeOf(to)}${ROUNDS[round]}`).join(", ")}`;
}

/** "The clock goes from 02:00 to 03:00 (CET to CEST): the time between is skipped." */
function changeInWords({ forward, before, after, names }: Change): string {
  const what = forward ? "the time between is skipped" : "the time between comes twice";
  return `Clock ${forward ? "forward" : "back"}: ${before} becomes ${after}${names && ` (${names})`}, ${what}.`;
}
