// The workspace that the headers of a tab name, in whatever case; none where they are no JSON yet.
const NAME = "x-workspace-id";

export function workspaceOf(headers: string): string {
  return String(named(headers).find(([name]) => name === NAME)?.[1] ?? "");
}

export function headersOf(workspace: string): string {
  return JSON.stringify({ [NAME]: workspace }, null, 2);
}

/** The headers as they are where they name nothing else; of such as are no JSON, with a comment or a comma too many, nothing. */
export function workspaceAlone(headers: string): string {
  const given = named(headers);
  if (given.length && given.every(([name]) => name === NAME)) return headers;
  return given.length ? headersOf(workspaceOf(headers)) : "";
}

function named(headers: string): [string, unknown][] {
  try {
    return Object.entries<unknown>(JSON.parse(headers)).map(([name, value]) => [name.toLowerCase(), value]);
  } catch {
    return [];
  }
}
