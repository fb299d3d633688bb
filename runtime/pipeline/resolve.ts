// From `use:` to a stage: one of the app's by name, a file by path (counted from the pipeline file), or a
// package. The file exports the stage, or a function that makes one of what it is handed (toolkit.ts).
// The trap: importing a file runs it. Only what the pipeline file names is imported.
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Effect, Schema } from "effect";
import { type Fault, fault, type Place } from "../../lib/fault.ts";
import { isThere } from "../../lib/look.ts";
import { nearest } from "../../lib/nearest.ts";
import type { App } from "../app.ts";
import type { AnyStage } from "../stage.ts";
import { withTodaysNames } from "./former-names.ts";
import { importInTime, inTime } from "../../lib/in-time.ts";
import { noteStageFile } from "./stage-fault.ts";

export class StageNotFound extends fault("StageNotFound", "user") {}
export class NotAStage extends fault("NotAStage", "user") {}

const isPath = (use: string) => /^\.{1,2}[\\/]|^file:/.test(use) || isAbsolute(use);

/** The file that `use` means; undefined if there is none. */
function fileOf(use: string, folder: string): string | undefined {
  if (use.startsWith("file:")) return fileURLToPath(use);
  if (isPath(use)) return resolve(folder, use);
  try {
    return createRequire(join(folder, "pipeline.yaml")).resolve(use);
  } catch {
    return undefined;
  }
}

const notFound = (use: string, place: Place, { stages }: StageSource) => {
  const own = Object.keys(stages);
  const near = nearest(use, own);
  const byName = own.length === 0 ? "" : `by name (${own.join(", ")}), `;
  return new StageNotFound({
    ...place,
    wanted: `a stage ${byName}by path (./mine.ts) or package`,
    found: use,
    fix: near !== undefined
      ? `Did you mean ${near}?`
      : /\.[cm]?[jt]s$/.test(use) && !isPath(use)
      ? `Write ./${use} for a file beside the pipeline file.`
      : isPath(use)
      ? "Correct the path; a relative one starts at the pipeline file's folder."
      : own.length === 0
      ? "Give its path."
      : "Name one of these.",
  });
};

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

/** Where stages are looked for by name, and what a file's function is handed. */
export type StageSource = Pick<App, "stages" | "toolkit">;

/** Takes the stage out of a module. */
const loadStage = Effect.fnUntraced(function* (
  path: string,
  load: () => Promise<unknown>,
  source: StageSource,
  place: Place,
) {
  const refuse = (found: string, fix: string, cause?: unknown) =>
    new NotAStage({
      ...place,
      wanted: `${path} to export a stage, or a function (gnomic) => stage`,
      found,
      fix,
      cause,
    });
  const module = yield* Effect.tryPromise({
    try: async () => await load() as Record<string, unknown>,
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
    try: async () => {
      const [{ toolkit }, more] = await Promise.all([import("../toolkit.ts"), source.toolkit()]);
      return await inTime<unknown>(exported({ ...toolkit, ...more }));
    },
    catch: (cause) =>
      refuse(`an error in its function: ${(cause as Error).message}`, "Correct it.", cause),
  });
  const missing = lacks(made);
  return missing.length === 0
    ? withTodaysNames(made as AnyStage)
    : yield* refuse(`one without ${missing.join(", ")}`, "Add what is missing (runtime/stage.ts).");
});

/** The stage that `use` names in a pipeline whose file lies in `folder`. */
export const resolveStage = (
  use: string,
  folder: string,
  source: StageSource,
  place: Place = {},
  id = use,
): Effect.Effect<AnyStage, Fault> => {
  if (Object.hasOwn(source.stages, use)) return loadStage(use, source.stages[use], source, place);
  const path = fileOf(use, folder);
  if (path !== undefined) noteStageFile(id, path);
  const missing = Effect.suspend(() => Effect.fail(notFound(use, place, source)));
  if (path === undefined) return missing;
  const load = () => importInTime(pathToFileURL(path).href);
  return Effect.flatMap(
    isThere(path),
    (found): Effect.Effect<AnyStage, Fault> =>
      found ? loadStage(path, load, source, place) : missing,
  );
};
