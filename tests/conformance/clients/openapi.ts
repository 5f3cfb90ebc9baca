// The team's operations over REST with openapi-typescript and openapi-fetch.
import createClient from 'openapi-fetch';
import type { components, paths } from '../build/openapi';
import { address, type Changes, type Client, type Flow, isPart, NEW_FLOW, play, type Saved } from './story';

const rest = createClient<paths>({ baseUrl: address() });
const header = { 'x-workspace-id': 'openapi' };

type Body = components['schemas']['MessageFlow'];

const client: Client = {
  async create(name) {
    const body = { ...NEW_FLOW, name, direction: 'bidirectional', messageChannel: 'SMS' } as const;
    const { data, response } = await rest.POST('/v1/api/message-flows', { params: { header }, body });
    return flow(data, response);
  },
  async page(size, after) {
    const query = { limit: size, orderBy: 'name', ...(after === null ? {} : { cursor: after }) } as const;
    const { data, response } = await rest.GET('/v1/api/message-flows', { params: { header, query } });
    const link = response.headers.get('link')?.match(/<([^>]+)>; rel="next"/)?.[1];
    const next = link ? new URL(link, address()).searchParams.get('cursor') : null;
    // A list has no ETags: a version comes with the flow itself.
    const flows = await Promise.all((data ?? []).map((listed) => client.detail(listed._id)));
    return { flows: flows.filter((found) => found !== null), next };
  },
  async detail(id) {
    const { data, response } = await rest.GET('/v1/api/message-flows/{id}', { params: { header, path: { id } } });
    return response.status === 404 ? null : flow(data, response);
  },
  async save({ id, version }, settings) {
    const params = { header: { ...header, 'If-Match': `"${version}"` }, path: { id } };
    const { data, error, response } = await rest.PUT('/v1/api/message-flows/{id}', { params, body: { settings } });
    if (error?.error.code === 'version_conflict') return { conflict: await existing(id) };
    return { flow: flow(data, response), changedFields: changedFields(response) };
  },
  async rebase(seen, changes): Promise<Saved> {
    const current = await existing(seen.id);
    if (overlap(changes, seen.settings, current.settings)) return { conflict: current };
    return client.save(current, changes);
  },
  async toggle(id, key) {
    const params = { header: { ...header, 'Idempotency-Key': key }, path: { id } };
    const { data, response } = await rest.PUT('/v1/api/message-flows/{id}/toggle-autopilot', { params });
    const replayed = response.headers.get('idempotency-replayed') === 'true';
    return { autopilot: flow(data, response).autopilot, replayed };
  },
};

async function existing(id: string): Promise<Flow> {
  const found = await client.detail(id);
  if (!found) throw new Error('a flow was expected');
  return found;
}

function flow(body: Body | undefined, response: Response): Flow {
  const version = response.headers.get('etag')?.match(/^"(\d+)"$/)?.[1];
  if (!body || !version) throw new Error(`a flow was expected, not ${response.status}`);
  const { responseSettings, emailSettings } = body.settings;
  const { enabled, start, end } = responseSettings.workingHours;
  return {
    id: body._id,
    version: Number(version),
    name: body.name,
    autopilot: body.autopilot,
    settings: {
      responseSettings: { delay: responseSettings.delay, workingHours: { enabled, start, end } },
      emailSettings: { subjectLine: emailSettings.subjectLine },
    },
  };
}

function changedFields(response: Response): string[] {
  return (response.headers.get('x-changed-fields') ?? '').split(',').map((field) => field.trim()).filter(Boolean);
}

/** Whether somebody else changed a leaf that is to be changed. */
function overlap<Part extends object>(changes: Changes<Part>, seen: Part, current: Part): boolean {
  return (Object.keys(changes) as (keyof Part)[]).some((name) => {
    const [inner, before, now] = [changes[name], seen[name], current[name]];
    return isPart(inner) && isPart(before) && isPart(now)
      ? overlap(inner as Changes<object>, before, now)
      : before !== now;
  });
}

/** What must not compile: each of these lines is an error of the types, or tsc complains that it is none. */
export async function mistakes(): Promise<void> {
  // @ts-expect-error the workspace is required
  await rest.GET('/v1/api/message-flows', { params: {} });
  const params = { header, path: { id: '1' } };
  // @ts-expect-error a delay is a number
  await rest.PUT('/v1/api/message-flows/{id}', { params, body: { settings: { responseSettings: { delay: '5' } } } });
  const { data } = await rest.GET('/v1/api/message-flows/{id}', { params });
  // @ts-expect-error no such member
  console.log(data?.titel);
}

void play(client);
