// Builds the pages into graphql_api/web/assets: an HTML file a page, and beside it, compressed and named by their content, the files it loads.
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { generate } from "./generate.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../graphql_api/web/assets");

const PAGES = {
  playground: { title: "Playground", script: "playground/main.tsx" },
  reference: { title: "REST reference", script: "reference/main.ts" },
  schema: { title: "GraphQL schema", script: "schema/main.ts", content: "schema/page.tsx" },
  flows: { title: "Flows", script: "flows/main.tsx" },
};

const WORKERS = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
};

const usual = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  target: "es2022",
  outdir: target,
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".ttf": "file" },
  logLevel: "warning",
};

await generate();
const schema = await readFile(join(here, "../schema.graphql"), "utf8");
const workers = await build({ ...usual, entryPoints: entries(WORKERS, "worker"), format: "iife" });
const pages = await build({
  ...usual,
  entryPoints: entries(Object.fromEntries(Object.entries(PAGES).map(([name, page]) => [name, page.script]))),
  format: "esm",
  splitting: true,
  jsx: "automatic",
  define: {
    ...usual.define,
    WORKERS: JSON.stringify(made(workers)),
    HAS_SUBSCRIPTIONS: String(/^type Subscription\b/m.test(schema)),
  },
});

const building = `${target}.new`;
await rm(building, { recursive: true, force: true });
await mkdir(building, { recursive: true });
for (const file of [...workers.outputFiles, ...pages.outputFiles]) {
  await writeFile(join(building, `${basename(file.path)}.gz`), gzipSync(file.contents, { level: 9 }));
}
const template = await readFile(join(here, "page.html"), "utf8");
const outputs = made(pages);
for (const [name, page] of Object.entries(PAGES)) {
  await writeFile(join(building, `${name}.html`), html(page, name, await contentOf(page)));
}
await rm(target, { recursive: true, force: true });
await rename(building, target);

function entries(files, prefix = "") {
  return Object.entries(files).map(([name, path]) => ({ in: path, out: prefix ? `${name}.${prefix}` : name }));
}

/** Entry name -> its script; what a bundler calls `cssBundle` stands under the name and `.css`. */
function made({ metafile }) {
  const found = {};
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue;
    const name = basename(path).replace(/(\.worker)?-[A-Z0-9]{8}\.js$/, "");
    found[name] = basename(path);
    if (output.cssBundle) found[`${name}.css`] = basename(output.cssBundle);
  }
  return found;
}

/** What stands on a page before any script runs. */
async function contentOf({ content }) {
  if (!content) return "<noscript>This page needs JavaScript.</noscript>";
  const { outputFiles } = await build({ ...usual, entryPoints: [content], format: "esm" });
  const { rendered } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
  return rendered(schema);
}

function html({ title }, name, content) {
  const style = outputs[`${name}.css`];
  return template
    .replaceAll("{title}", title)
    .replaceAll("{page}", name)
    .replaceAll("{styles}", style ? `<link rel="stylesheet" href="{root}assets/${style}">` : "")
    .replaceAll("{script}", outputs[name])
    .replace("{content}", () => content);
}
