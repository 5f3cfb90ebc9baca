// What a front-end team does with message flows, told once and played by every typed client against a real server.
import { deepStrictEqual as same, strictEqual as equal, ok } from 'node:assert';

/** A flow as the pages of the team need it; what a client generated must fit it without a cast. */
export interface Flow {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly autopilot: boolean;
  readonly settings: Form;
}

/** The settings form. */
export interface Form {
  readonly responseSettings: {
    readonly delay: number;
    readonly workingHours: { readonly enabled: boolean; readonly start: string; readonly end: string };
  };
  readonly emailSettings: { readonly subjectLine: string };
}

/** Only what changed of the form. */
export type Changes<Part> = { [Name in keyof Part]?: Part[Name] extends object ? Changes<Part[Name]> : Part[Name] };

export interface Page {
  flows: readonly Flow[];
  next: string | null;
}

export type Saved =
  | { flow: Flow; changedFields: readonly string[] }
  | { conflict: Flow };

export interface Client {
  create(name: string): Promise<Flow>;
  /** Flows by name. */
  page(size: number, after: string | null): Promise<Page>;
  detail(id: string): Promise<Flow | null>;
  /** Saves if the flow is still as it was seen. */
  save(seen: Flow, changes: Changes<Form>): Promise<Saved>;
  /** Saves on top of what others changed since it was seen, unless they changed the same leaves. */
  rebase(seen: Flow, changes: Changes<Form>): Promise<Saved>;
  toggle(id: string, key: string): Promise<{ autopilot: boolean; replayed: boolean }>;
}

export const NEW_FLOW = {
  agent: 'agent1',
  prompt: 'You answer questions about the sale.',
  initiationMessage: 'Hi!',
} as const;

/** What of `after` differs from `before`, to each leaf. */
export function changes<Part extends object>(before: Part, after: Part): Changes<Part> {
  const differing: [keyof Part, unknown][] = [];
  for (const name of Object.keys(after) as (keyof Part)[]) {
    const [old, now] = [before[name], after[name]];
    if (!isPart(old) || !isPart(now)) {
      if (old !== now) differing.push([name, now]);
    } else {
      const inner = changes(old, now);
      if (Object.keys(inner).length) differing.push([name, inner]);
    }
  }
  return Object.fromEntries(differing) as Changes<Part>;
}

export function isPart(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function address(): string {
  const given = process.argv[2];
  ok(given, 'give the address of the server');
  return given;
}

export async function play(client: Client): Promise<void> {
  const created = [];
  for (const name of ['Autumn', 'Winter', 'Spring']) created.push(await client.create(name));
  await readsThePages(client);
  const winter = created[1];
  ok(winter);
  await savesOnlyWhatChanged(client, winter);
  await settlesConflicts(client, winter.id);
  await togglesOnce(client, winter.id);
  console.log('played');
}

async function readsThePages(client: Client): Promise<void> {
  const first = await client.page(2, null);
  ok(first.next !== null);
  const second = await client.page(2, first.next);
  same(first.flows.map((flow) => flow.name), ['Autumn', 'Spring']);
  same(second.flows.map((flow) => flow.name), ['Winter']);
  equal(second.next, null);
  equal(await client.detail('0123456789abcdef01234567'), null);
}

async function savesOnlyWhatChanged(client: Client, seen: Flow): Promise<void> {
  same(await client.detail(seen.id), seen);
  const typed = { ...seen.settings, responseSettings: { ...seen.settings.responseSettings, delay: 1.5 } };
  const sent = changes(seen.settings, typed);
  same(sent, { responseSettings: { delay: 1.5 } });
  const saved = await client.save(seen, sent);
  ok('flow' in saved);
  same(saved.changedFields, ['settings.responseSettings.delay']);
  same(saved.flow.settings, typed);
  equal(saved.flow.version, seen.version + 1);
}

async function settlesConflicts(client: Client, id: string): Promise<void> {
  const seen = await client.detail(id);
  ok(seen);
  const colleagues = await client.save(seen, { emailSettings: { subjectLine: 'Hello' } });
  ok('flow' in colleagues);

  const mine = { responseSettings: { workingHours: { start: '08:00' } } };
  const refused = await client.save(seen, mine);
  ok('conflict' in refused, 'what a colleague saved in between must not be overwritten unseen');
  same(refused.conflict, colleagues.flow);

  const rebased = await client.rebase(seen, mine);
  ok('flow' in rebased);
  same(rebased.changedFields, ['settings.responseSettings.workingHours.start']);
  equal(rebased.flow.settings.emailSettings.subjectLine, 'Hello');
  equal(rebased.flow.settings.responseSettings.workingHours.start, '08:00');

  const overlapping = await client.rebase(seen, { emailSettings: { subjectLine: 'Good day' } });
  ok('conflict' in overlapping);
  same(overlapping.conflict, rebased.flow);
  same(await client.detail(id), rebased.flow);
}

async function togglesOnce(client: Client, id: string): Promise<void> {
  const before = await client.detail(id);
  same(await client.toggle(id, 'click-1'), { autopilot: true, replayed: false });
  same(await client.toggle(id, 'click-1'), { autopilot: true, replayed: true });
  same(await client.toggle(id, 'click-2'), { autopilot: false, replayed: false });
  equal((await client.detail(id))?.version, (before?.version ?? 0) + 2);
}
