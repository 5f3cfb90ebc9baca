// What the server tells a page about itself, in attributes of its <html>.

const told = document.documentElement.dataset;

/** Where the server's paths begin, whatever proxy stands before it; always ends with a slash. */
export const root = new URL(told.root || "./", location.href);

export const needsKey = told.auth === "keys";
export const hasIntrospection = told.introspection === "on";
export const exampleWorkspace = told.workspace ?? "";
export const exampleFlow = told.flow ?? "";

export function at(path: string): string {
  return new URL(path, root).href;
}

/** The same for WebSockets. */
export function socketAt(path: string): string {
  return at(path).replace(/^http/, "ws");
}
