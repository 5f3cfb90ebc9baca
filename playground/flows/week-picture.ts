// A week of openings placed on the wall clock; the server tells openings and offsets, this is arithmetic for drawing.
import type { HoursFragment } from "./generated/graphql";

export type Hours = HoursFragment["settings"]["responseSettings"]["workingHours"];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** No wall clock is farther from UTC. */
const FARTHEST = 26 * HOUR;

/** Minutes of a day from `from` to `to`; where the clock goes back, its first or second time round. */
export interface Stretch {
  from: number;
  to: number;
  round: "once" | "first" | "second";
}

/** The clock as it would have gone on, and as it did: "02:00" and "03:00" on a day in spring. */
export interface Change {
  forward: boolean;
  before: string;
  after: string;
  names: string;
}

export interface Day {
  /** As in 2026-10-25. */
  date: string;
  open: Stretch[];
  skipped: Stretch[];
  repeated: Stretch[];
  changes: Change[];
}

/** Instants as wall clocks: milliseconds since 1970 as if the wall clock were UTC. */
interface Shift {
  at: number;
  before: number;
  after: number;
  names: string;
}

export interface Range {
  from: string;
  to: string;
  now: string;
  soon: string;
}

/** What to ask the server for: the seven days from Monday on, wherever on earth, and the clock of now and the days to come. */
export function rangeOf(monday: string): Range {
  const start = Date.parse(monday);
  const now = Date.now();
  return {
    from: instant(start - FARTHEST),
    to: instant(start + 7 * DAY + FARTHEST),
    now: instant(now - DAY),
    soon: instant(now + 14 * DAY),
  };
}

export function mondayOf(date: string, weeks = 0): string {
  const day = Date.parse(date);
  const weekday = (new Date(day).getUTCDay() + 6) % 7;
  return dateOf(day - weekday * DAY + weeks * 7 * DAY);
}

export function dateOf(wall: number): string {
  return new Date(wall).toISOString().slice(0, 10);
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** What the wall clock shows at an instant near now; undefined at any other. */
export function wallAt(hours: Hours, at: number): number | undefined {
  const offset = hours.nearby.find(({ from, to }) => Date.parse(from) <= at && at < Date.parse(to));
  return offset && at + offset.seconds * 1000;
}

export function pictureOf(hours: Hours, monday: string): Day[] {
  const shifts = shiftsOf(hours);
  const open = hours.utcOffsets.flatMap((offset) => hours.openings.flatMap((opening) => meeting(offset, opening, shifts)));
  return Array.from({ length: 7 }, (_, number) => {
    const start = Date.parse(monday) + number * DAY;
    const cut = (spans: Span[]) => spans.flatMap((span) => cutTo(start, span));
    return {
      date: dateOf(start),
      open: cut(open),
      skipped: cut(shifts.filter(isForward).map(({ before, after }) => ({ from: before, to: after, round: "once" }))),
      repeated: cut(shifts.filter(isBack).map(({ before, after }) => ({ from: after, to: before, round: "once" }))),
      changes: shifts.filter((shift) => Math.min(shift.before, shift.after) >= start && Math.min(shift.before, shift.after) < start + DAY).map((shift) => change(shift, start)),
    };
  });
}

interface Span {
  from: number;
  to: number;
  round: Stretch["round"];
}

function shiftsOf({ utcOffsets }: Hours): Shift[] {
  return utcOffsets.slice(1).map((next, index) => {
    const last = utcOffsets[index] as (typeof utcOffsets)[number];
    const at = Date.parse(next.from);
    const names = last.name === next.name ? "" : `${last.name} to ${next.name}`;
    return { at, before: at + last.seconds * 1000, after: at + next.seconds * 1000, names };
  });
}

function isForward(shift: Shift): boolean {
  return shift.after > shift.before;
}

function isBack(shift: Shift): boolean {
  return shift.after < shift.before;
}

/** The part of an opening in which an offset holds, on the wall clock, cut where a repeated time begins and ends. */
function meeting(offset: Hours["utcOffsets"][number], opening: Hours["openings"][number], shifts: Shift[]): Span[] {
  const ahead = offset.seconds * 1000;
  const from = Math.max(Date.parse(offset.from), Date.parse(opening.from)) + ahead;
  const to = Math.min(Date.parse(offset.to), Date.parse(opening.to)) + ahead;
  if (from >= to) return [];
  let spans: Span[] = [{ from, to, round: "once" }];
  for (const shift of shifts.filter(isBack)) {
    const round = Date.parse(offset.to) === shift.at ? "first" : Date.parse(offset.from) === shift.at ? "second" : "once";
    if (round !== "once") spans = spans.flatMap((span) => within(span, shift.after, shift.before, round));
  }
  return spans;
}

function within(span: Span, start: number, end: number, round: Stretch["round"]): Span[] {
  const parts: Span[] = [
    { ...span, to: Math.min(span.to, start) },
    { from: Math.max(span.from, start), to: Math.min(span.to, end), round },
    { ...span, from: Math.max(span.from, end) },
  ];
  return parts.filter(({ from, to }) => from < to);
}

function cutTo(start: number, { from, to, round }: Span): Stretch[] {
  const first = Math.max(from, start);
  const last = Math.min(to, start + DAY);
  return first < last ? [{ from: (first - start) / MINUTE, to: (last - start) / MINUTE, round }] : [];
}

function change({ before, after, names }: Shift, day: number): Change {
  return { forward: after > before, before: clock(before, day), after: clock(after, day), names };
}

/** The time, with the day where it is another one. */
function clock(wall: number, day: number): string {
  const time = new Date(wall).toISOString().slice(11, 16);
  return wall >= day && wall < day + DAY ? time : `${shortDay(dateOf(wall))} ${time}`;
}

export function shortDay(date: string): string {
  return named(date, { weekday: "short" });
}

export function named(date: string, format: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", { ...format, timeZone: "UTC" }).format(Date.parse(date));
}

export function timeOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(Math.floor(minutes % 60)).padStart(2, "0")}`;
}
