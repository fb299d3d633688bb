// What a command's pipeline is: its stages, found and imported, whether it stands in a file or was composed
// in TypeScript. The trap: importing may fail for several stages; that is kept, to be said together with
// what is wrong with the configuration.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Effect } from "effect";
import { type Fault, fault, type Place } from "../../lib/fault.ts";
import type { App } from "../app.ts";
import { openApp } from "../open-app.ts";
import type { Composition } from "./compose.ts";
import type { ConfigLayers } from "../options/configuration.ts";
import { importInTime } from "../../lib/in-time.ts";
import { together } from "../../lib/together.ts";
import { folderOf, type Pipeline, type PipelineStep, readPipeline } from "./pipeline.ts";
import { resolveStage } from "./resolve.ts";

export class NotAnApp extends fault("NotAnApp", "user") {}

export interface LoadedPipeline {
  readonly app: App;
  readonly name: string;
  readonly steps: Effect.Effect<readonly PipelineStep[], Fault>;
  readonly placeOf: (key: string) => Place;
  readonly layers: Pick<ConfigLayers, "pipeline">;
}

/**
 * The app of a pipeline file: the one that it names; else `home` where it uses one of its stages or has a
 * configuration of its type; else none in particular.
 */
const appOf = (file: Pipeline, home: App): Effect.Effect<App, Fault> => {
  const { app: named, stages, config, placeOf } = file;
  if (named === undefined) {
    const isHome = Object.values(stages).some(({ use }) => Object.hasOwn(home.stages, use)) ||
      (config?.type !== undefined && config.type === home.configurationType);
    return Effect.succeed(isHome ? home : openApp);
  }
  const known = [home, openApp].find(({ name }) => name === named);
  return known !== undefined
    ? Effect.succeed(known)
    : importApp(resolve(folderOf(file), named), placeOf("app"));
};

const members: readonly (keyof App)[] = [
  ...["name", "stages", "toolkit", "configurationType", "readConfiguration", "facts"] as const,
  ...["events", "requests", "answer", "isResult"] as const,
];

const importApp = Effect.fnUntraced(function* (path: string, place: Place) {
  const refuse = (found: string, fix: string, cause?: unknown) =>
    new NotAnApp({ ...place, wanted: `${path} to export an app`, found, fix, cause });
  const module = yield* Effect.tryPromise({
    try: () => importInTime(pathToFileURL(path).href),
    catch: (cause) =>
      refuse(`an error while importing it: ${(cause as Error).message}`, "Correct it.", cause),
  });
  const app = Object(module.default ?? module.app) as Partial<App>;
  const missing = members.filter((member) => app[member] === undefined);
  return missing.length === 0 ? app as App : yield* refuse(
    missing.length === members.length
      ? `exports named ${Object.keys(module).join(", ") || "nothing"}`
      : `one without ${missing.join(", ")}`,
    "Export it as default or as `app`, with every member (runtime/app.ts).",
  );
});

/** A name of pipelines/, the path of a pipeline file, or one composed in TypeScript. */
export const loadPipeline = (
  pipeline: string | Composition<any>,
  home: App,
): Effect.Effect<LoadedPipeline, Fault> => {
  if (typeof pipeline !== "string") {
    const { name, steps } = pipeline;
    return Effect.succeed({
      app: home,
      name,
      steps: Effect.succeed(steps),
      placeOf: () => ({}),
      layers: {},
    });
  }
  return Effect.gen(function* () {
    const file = yield* readPipeline(pipeline);
    const app = yield* appOf(file, home);
    const steps = Effect.forEach(
      Object.entries(file.stages),
      ([id, use]) =>
        resolveStage(use.use, folderOf(file), app, file.placeOf(`stages.${id}.use`), id).pipe(
          Effect.map((stage): PipelineStep => ({ id, stage, use })),
          Effect.result,
        ),
      { concurrency: 4 },
    ).pipe(Effect.flatMap(together));
    const { pipeline: name, placeOf, configSource } = file;
    return { app, name, steps, placeOf, layers: { pipeline: configSource } };
  });
};
