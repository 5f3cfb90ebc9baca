// Each leaf of a flow as the form shows it; what it means and what null resets it to is read off the schema.
import type { FormFragment, UpdateMessageFlowInput } from "./generated/graphql";
import { LEAVES } from "./generated/leaves";

export type Leaf = keyof typeof LEAVES;
export type Value = string | number | boolean;

export type Control =
  | { kind: "line"; size?: "short" | "time"; suggestions?: () => string[] }
  | { kind: "text"; rows: number }
  | { kind: "number" }
  | { kind: "switch" }
  | { kind: "choice"; options: Record<string, string> };

const TITLES = ["The flow", "Conversation", "Response", "Security", "Email"] as const;

export interface Shown {
  section: (typeof TITLES)[number];
  label: string;
  control: Control;
}

const HOURS = "settings.responseSettings.workingHours";

export const CHANNELS = { SMS: "SMS", EMAIL: "Email" };
export const DIRECTIONS = { INBOUND: "Inbound", OUTBOUND: "Outbound", BIDIRECTIONAL: "Both ways" };

/** In the order of the form. A leaf that is new in the schema and missing here is an error of the types. */
export const SHOWN: Record<Leaf, Shown> = {
  name: { section: "The flow", label: "Name", control: { kind: "line" } },
  description: { section: "The flow", label: "Description", control: { kind: "text", rows: 2 } },
  isActive: { section: "The flow", label: "Active", control: { kind: "switch" } },
  autopilot: { section: "The flow", label: "Autopilot", control: { kind: "switch" } },
  messageChannel: { section: "Conversation", label: "Channel", control: { kind: "choice", options: CHANNELS } },
  direction: { section: "Conversation", label: "Direction", control: { kind: "choice", options: DIRECTIONS } },
  agent: { section: "Conversation", label: "Agent", control: { kind: "line" } },
  prompt: { section: "Conversation", label: "Prompt", control: { kind: "text", rows: 7 } },
  initiationMessage: { section: "Conversation", label: "First message", control: { kind: "text", rows: 3 } },
  "settings.responseSettings.delay": { section: "Response", label: "Delay in seconds", control: { kind: "number" } },
  [`${HOURS}.enabled`]: { section: "Response", label: "Keep working hours", control: { kind: "switch" } },
  [`${HOURS}.start`]: { section: "Response", label: "Opens at", control: { kind: "line", size: "time" } },
  [`${HOURS}.end`]: { section: "Response", label: "Closes at", control: { kind: "line", size: "time" } },
  [`${HOURS}.timezone`]: { section: "Response", label: "Time zone", control: { kind: "line", suggestions: zones } },
  [`${HOURS}.outOfHoursMessage`]: {
    section: "Response",
    label: "Reply outside working hours",
    control: { kind: "text", rows: 3 },
  },
  "settings.security.hipaaCompliance": { section: "Security", label: "HIPAA compliance", control: { kind: "switch" } },
  "settings.emailSettings.subjectLine": { section: "Email", label: "Subject line", control: { kind: "line" } },
  "settings.emailSettings.signature": { section: "Email", label: "Signature", control: { kind: "text", rows: 3 } },
} satisfies Record<Leaf, Shown>;

export const SECTIONS = TITLES.map((title) => ({
  title,
  leaves: (Object.keys(SHOWN) as Leaf[]).filter((leaf) => SHOWN[leaf].section === title),
}));

export const ALL = Object.keys(LEAVES) as Leaf[];
export const IN_HOURS: Leaf[] = ALL.filter((leaf) => leaf.startsWith(HOURS) && !leaf.endsWith("Message"));

export function isLeaf(path: string): path is Leaf {
  return Object.hasOwn(LEAVES, path);
}

/** What an import changes besides the leaves, which nobody edits. */
const TIMES: Record<string, string> = { createdAt: "Created", updatedAt: "Last changed" };

export function isTime(path: string): boolean {
  return Object.hasOwn(TIMES, path);
}

export function labelOf(path: string): string {
  return isLeaf(path) ? SHOWN[path].label : (TIMES[path] ?? path);
}

export function meaning(leaf: Leaf): string {
  return LEAVES[leaf].meaning;
}

/** What null resets the leaf to; undefined where null is refused. */
export function defaultOf(leaf: Leaf): Value | undefined {
  const told = LEAVES[leaf];
  return "default" in told ? told.default : undefined;
}

export function read(flow: FormFragment, leaf: Leaf): Value {
  return leaf.split(".").reduce((block: unknown, name) => (block as Record<string, unknown>)[name], flow) as Value;
}

export function differing(one: FormFragment, other: FormFragment): Leaf[] {
  return ALL.filter((leaf) => read(one, leaf) !== read(other, leaf));
}

/** Leaves with what to send for them, as the nested input that has these and no others. */
export function patch(sent: Iterable<readonly [Leaf, Value | null]>): UpdateMessageFlowInput {
  const input: Record<string, unknown> = {};
  for (const [leaf, value] of sent) {
    const names = leaf.split(".");
    const last = names.pop() as string;
    const block = names.reduce((above, name) => (above[name] ??= {}) as Record<string, unknown>, input);
    block[last] = value;
  }
  return input;
}

/** A value for people, as in a list of changes. */
export function inWords(leaf: string, value: unknown): string {
  if (value === true) return "on";
  if (value === false) return "off";
  if (value === "" || value === null || value === undefined) return "";
  const control = isLeaf(leaf) ? SHOWN[leaf].control : null;
  return (control?.kind === "choice" && control.options[String(value)]) || String(value);
}

/** Suggestions only: the server's own zones decide. */
function zones(): string[] {
  return Intl.supportedValuesOf("timeZone");
}
