// Makes flows/generated from schema.graphql: typed documents of flows/operations.graphql, and what the schema says of each leaf.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { preset } from "@graphql-codegen/client-preset";
import { codegen } from "@graphql-codegen/core";
import { buildASTSchema, getNamedType, isInputObjectType, parse } from "graphql";
import { told } from "./meaning.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "flows/generated");

const CONFIG = {
  documentMode: "string",
  enumsAsTypes: true,
  strictScalars: true,
  scalars: { DateTime: "string", JSON: "unknown" },
  useTypeImports: true,
};

export async function generate(sdl) {
  const schema = parse(sdl ?? (await readFile(join(here, "../schema.graphql"), "utf8")));
  const schemaAst = buildASTSchema(schema);
  const location = join(here, "flows/operations.graphql");
  const operations = await readFile(location, "utf8");
  const rawSDL = `${operations}fragment Leaves on MessageFlow ${selected(schemaAst.getType("UpdateMessageFlowInput"))}`;
  const documents = [{ location, rawSDL, document: parse(rawSDL) }];
  const files = await preset.buildGeneratesSection({
    baseOutputDir: `${target}/`,
    schema,
    schemaAst,
    documents,
    config: CONFIG,
    presetConfig: { fragmentMasking: false },
    plugins: [],
    pluginMap: {},
    pluginContext: {},
  });
  const made = await Promise.all(files.map(async (file) => [file.filename, await codegen(file)]));
  await mkdir(target, { recursive: true });
  for (const [path, text] of [...made, [join(target, "leaves.ts"), leaves(schemaAst)]]) await writeFile(path, text);
}

/** Every leaf that an update may send: what it means, and the default that null resets it to. */
function leaves(schemaAst) {
  const found = JSON.stringify(Object.fromEntries(below(schemaAst.getType("UpdateMessageFlowInput"))), null, 2);
  return `export const LEAVES = ${found} as const;\n`;
}

/** Every leaf that an update may send, as a flow is asked for it. */
function selected(type) {
  const names = members(type).map(({ name, inner }) => (isInputObjectType(inner) ? `${name} ${selected(inner)}` : name));
  return `{ ${names.join(" ")} }`;
}

function* below(type, path = "") {
  for (const field of members(type)) {
    if (isInputObjectType(field.inner)) {
      yield* below(field.inner, `${path}${field.name}.`);
    } else {
      const { meaning, default: reset } = told(field.description);
      yield [`${path}${field.name}`, { meaning, ...(reset === undefined ? {} : { default: reset }) }];
    }
  }
}

/** Those that flows have too. */
function members(type) {
  const fields = Object.values(type.getFields()).filter((field) => field.name !== "toggleAutopilot");
  return fields.map(({ name, type, description }) => ({ name, inner: getNamedType(type), description }));
}
