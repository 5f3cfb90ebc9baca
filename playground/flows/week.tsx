// A week of working hours: whether the flow is open, until when, and each day drawn on its wall clock.
import { useEffect, useState } from "preact/hooks";
import type { Session } from "./client";
import { DayRow } from "./day-row";
import type { Draft } from "./draft";
import { useNow } from "./moment";
import { useWeek } from "./use-week";
import { DAY, dateOf, type Hours, mondayOf, named, pictureOf, wallAt } from "./week-picture";

const TICK = 20_000;

export function Week({ session, draft }: { session: Session; draft: Draft }) {
  const now = useNow(TICK);
  const [chosen, setChosen] = useState<string | null>(null);
  const [today, setToday] = useState(() => dateOf(Date.now()));
  const monday = chosen ?? mondayOf(today);
  const { hours, monday: drawn, preview, problem, again } = useWeek(session, draft, monday);
  const wall = hours ? wallAt(hours, now) : undefined;

  // Which day it is there is known once the server has told the zone's offset.
  useEffect(() => {
    if (wall !== undefined) setToday(dateOf(wall));
  }, [wall === undefined ? "" : dateOf(wall)]);
  const next = hours?.nextTransition?.at;
  useEffect(() => {
    if (next && Date.parse(next) <= now) again();
  }, [now]);

  const turn = (weeks: number) => setChosen(mondayOf(monday, weeks));
  return (
    <section class="card week" id="week" aria-labelledby="week-heading">
      <div class="week-head">
        <h2 id="week-heading">Working hours</h2>
        <div class="week-turn" role="group" aria-label="Week">
          <button class="icon" aria-label="Week before" onClick={() => turn(-1)}>
            ‹
          </button>
          <input
            type="date"
            aria-label="Week of"
            value={monday}
            onChange={(event) => event.currentTarget.value && setChosen(mondayOf(event.currentTarget.value))}
          />
          <button class="icon" aria-label="Week after" onClick={() => turn(1)}>
            ›
          </button>
          <button disabled={chosen === null || chosen === mondayOf(today)} onClick={() => setChosen(null)}>
            Today
          </button>
        </div>
      </div>
      {hours && <p class={`state-now ${hours.isOpen ? "open" : "closed"}`}>{inWords(hours, now)}</p>}
      {preview && <p class="badge preview">Preview of what you are editing, not saved</p>}
      {problem && <p class="faint">{problem}</p>}
      {hours && <Picture hours={hours} monday={drawn} wall={wall} />}
    </section>
  );
}

function Picture({ hours, monday, wall }: { hours: Hours; monday: string; wall: number | undefined }) {
  const days = pictureOf(hours, monday);
  const sunday = dateOf(Date.parse(monday) + 6 * DAY);
  return (
    <figure class="picture">
      <figcaption>
        {named(monday, { day: "numeric", month: "long" })} to {named(sunday, { day: "numeric", month: "long", year: "numeric" })},{" "}
        {hours.timezone}
        {hours.enabled ? `, ${hours.start} to ${hours.end}` : ", always open"}
      </figcaption>
      <div class="axis" aria-hidden="true">
        {[0, 6, 12, 18, 24].map((hour) => (
          <span key={hour} style={{ left: `${(hour / 24) * 100}%` }}>
            {String(hour).padStart(2, "0")}
          </span>
        ))}
      </div>
      <ol class="days">
        {days.map((day) => (
          <DayRow key={day.date} day={day} wall={wall !== undefined && dateOf(wall) === day.date ? wall : undefined} />
        ))}
      </ol>
    </figure>
  );
}

/** "Open now. Closes today at 17:00, in 3 h 20 min." */
function inWords(hours: Hours, now: number): string {
  if (!hours.enabled) return "Always open: working hours are not kept.";
  const state = hours.isOpen ? "Open now." : "Closed now.";
  if (!hours.nextTransition) return state;
  const { at, opens } = hours.nextTransition;
  const then = Date.parse(at);
  return `${state} ${opens ? "Opens" : "Closes"} ${dayAndTime(hours, then, now)}${inTime(then - now)}.`;
}

function dayAndTime(hours: Hours, then: number, now: number): string {
  const wall = wallAt(hours, then);
  const here = wallAt(hours, now);
  if (wall === undefined) return `at ${new Date(then).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const days = here === undefined ? undefined : Math.round((Date.parse(dateOf(wall)) - Date.parse(dateOf(here))) / DAY);
  const day = days === 0 ? "today" : days === 1 ? "tomorrow" : `on ${named(dateOf(wall), { weekday: "long", day: "numeric", month: "long" })}`;
  return `${day} at ${new Date(wall).toISOString().slice(11, 16)}`;
}

function inTime(milliseconds: number): string {
  const minutes = Math.max(1, Math.round(milliseconds / 60_000));
  if (minutes >= 48 * 60) return "";
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return `, in ${[hours && `${hours} h`, rest && `${rest} min`].filter(Boolean).join(" ")}`;
}
