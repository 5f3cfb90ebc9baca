// Monaco's workers, which the bundler made files of their own.
import { at } from "../shell/server";

declare const WORKERS: Record<string, string>;

const environment = {
  getWorker: (_: string, label: string) => new Worker(at(`assets/${WORKERS[label] ?? WORKERS.editor}`)),
};
Object.assign(globalThis, { MonacoEnvironment: environment });
