// What GraphiQL keeps on this machine. Of the headers in its history that is the workspace alone: a key may stand beside it.
import type { Storage } from "@graphiql/toolkit";
import { workspaceAlone } from "./workspace";

const HISTORY = new Set(["graphiql:queries", "graphiql:favorites"]);

export const disk: Storage = {
  getItem: (name) => localStorage.getItem(name),
  setItem: (name, value) => localStorage.setItem(name, HISTORY.has(name) ? withoutKeys(value) : value),
  removeItem: (name) => localStorage.removeItem(name),
  clear: () => names().forEach((name) => localStorage.removeItem(name)),
  get length() {
    return names().length;
  },
};

function names(): string[] {
  return Object.keys(localStorage).filter((name) => name.startsWith("graphiql:"));
}

function withoutKeys(history: string): string {
  return JSON.stringify(JSON.parse(history, (name, part) => (name === "headers" && part ? workspaceAlone(part) : part)));
}
