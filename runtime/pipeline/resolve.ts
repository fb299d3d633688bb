// From `use:` to a stage: one of stages/ by name, a file by path (counted from the pipeline file), or a
// package. The file exports the stage, or a function that makes one of what it is handed (toolkit.ts).
// The trap: importing a file runs it. Only what the pipeline file names is imported.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Effect, Schema } from "effect";
import { type Fault, fault, type Place } from "../../lib/fault.ts";
import { nearest } from "../../lib/nearest.ts";
import type { AnyStage } from "../stage.ts";
import { noteStageFile } from "./stage-files.ts";

export class StageNotFound extends fault("StageNotFound", "user") {}
export class NotAStage extends fault("NotAStage", "user") {}

const stagesFolder = fileURLToPath(new URL("../../stages", import.meta.url));

const isPath = (use: string) => /^\.{1,2}[\\/]|^file:/.test(use) || isAbsolute(use);

/** The module that `use` means; undefined if there is none. */
function moduleOf(use: string, folder: string): string | undefined {
  if (use.startsWith("file:")) return fileURLToPath(use);
  if (isPath(use)) return resolve(folder, use);
  if (/^[A-Za-z0-9_-]+$/.test(use)) {
    const own = join(stagesFolder, use, "stage.ts");
    if (existsSync(own)) return own;
  }
  try {
    return createRequire(join(folder, "pipeline.yaml")).resolve(use);
  } catch {
    return undefined;
  }
}

const notFound = (use: string, place: Place) =>
  Effect.gen(function* () {
    const names = yield* Effect.tryPromise(() => readdir(stagesFolder)).pipe(
      Effect.orElseSucceed(() => []),
    );
    const own = names.filter((name) => existsSync(join(stagesFolder, name, "stage.ts")));
    const near = nearest(use, own);
    return new StageNotFound({
      ...place,
      wanted: `a stage by name (${own.join(", ")}), path (./mine.ts) or package`,
      found: use,
      fix: near !== undefined
        ? `Did you mean ${near}?`
        : /\.[cm]?[jt]s$/.test(use) && !isPath(use)
        ? `Write ./${use} for a file beside the pipeline file.`
        : isPath(use)
        ? "Correct the path; a relative one starts at the pipeline file's folder."
        : "Name one of these.",
    });
  });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const isPorts = (value: unknown) =>
  isRecord(value) &&
  Object.values(value).every((type) =>
    isRecord(type) && (type.kind === "value" || type.kind === "stream") &&
    typeof type.name === "string" && Schema.isSchema(type.schema)
  );

const contract: Readonly<Record<string, readonly [string, (value: unknown) => boolean]>> = {
  name: ["a text", (value) => typeof value === "string" && value !== ""],
  version: ["a number", (value) => typeof value === "number"],
  summary: ["a text", (value) => typeof value === "string"],
  options: ["a Schema", (value) => Schema.isSchema(value)],
  reads: ["artefacts by port", isPorts],
  writes: ["artefacts by port", isPorts],
  lifetime: ['"cached" or "run"', (value) => value === "cached" || value === "run"],
  run: ["a function", (value) => typeof value === "function"],
};

/** What a value lacks to be a stage. */
const lacks = (value: unknown): readonly string[] =>
  isRecord(value)
    ? Object.entries(contract)
      .filter(([member, [, holds]]) => !holds(value[member]))
      .map(([member, [wanted]]) => `${member} (${wanted})`)
    : ["everything"];

/** Imports a module and takes the stage out of it. */
const loadStage = Effect.fnUntraced(function* (path: string, place: Place = { file: path }) {
  const refuse = (found: string, fix: string, cause?: unknown) =>
    new NotAStage({
      ...place,
      wanted: `${path} to export a stage, or a function (gnomic) => stage`,
      found,
      fix,
      cause,
    });
  const module = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(path).href) as Promise<Record<string, unknown>>,
    catch: (cause) =>
      refuse(
        `an error while importing it: ${(cause as Error).message}`,
        "Correct it. A file outside the project imports nothing: export default (gnomic) => " +
          "gnomic.defineStage({...}) is handed Effect, Schema, Stream and the artefacts.",
        cause,
      ),
  });
  const exported = module.default ?? module.stage;
  if (exported === undefined) {
    return yield* refuse(
      `exports named ${Object.keys(module).join(", ") || "nothing"}`,
      "Export it as default or as `stage`.",
    );
  }
  const made = typeof exported !== "function" ? exported : yield* Effect.tryPromise({
    try: async () => exported((await import("../toolkit.ts")).toolkit) as unknown,
    catch: (cause) =>
      refuse(`an error in its function: ${(cause as Error).message}`, "Correct it.", cause),
  });
  const missing = lacks(made);
  return missing.length === 0
    ? made as AnyStage
    : yield* refuse(`one without ${missing.join(", ")}`, "Add what is missing (runtime/stage.ts).");
});

/** The stage that `use` names in a pipeline whose file lies in `folder`. */
export const resolveStage = (
  use: string,
  folder: string,
  place: Place = {},
  id = use,
): Effect.Effect<AnyStage, Fault> => {
  const path = moduleOf(use, folder);
  if (path !== undefined && !path.startsWith(stagesFolder)) noteStageFile(id, path);
  return path === undefined || !existsSync(path)
    ? Effect.flatMap(notFound(use, place), Effect.fail)
    : loadStage(path, place);
};
