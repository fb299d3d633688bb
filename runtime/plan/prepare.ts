// Everything before the first stage runs: the pipeline and its stages, the configuration, the wiring, each
// stage's options, what the stages say of pictures and weights, and the run folder that all this means.
// The trap: everything that is wrong is collected and said at once, and nothing is written meanwhile.
import { join } from "node:path";
import { Result } from "effect";
import { digestJson } from "../../lib/canonical-json.ts";
import { Effect } from "../../lib/effect.ts";
import type { Fault } from "../../lib/fault.ts";
import { folderOrRoom } from "../../lib/look.ts";
import type { App, Facts } from "../app.ts";
import type { Composition } from "../pipeline/compose.ts";
import type { ConfigLayers, Configuration, JsonObject } from "../options/configuration.ts";
import { together } from "../../lib/together.ts";
import { withoutKeys } from "../../lib/without-keys.ts";
import { noteOnNames } from "../pipeline/former-names.ts";
import { loadPipeline } from "../pipeline/load-pipeline.ts";
import { withFacts } from "../pipeline/stage-options.ts";
import { wire } from "../pipeline/wiring.ts";
import { tool } from "../platform/versions.ts";
import type { InputTools, RunInfo } from "../stage.ts";
import { openStore, type Store, storeName } from "../store/artefact-store.ts";
import type { RunOrigin } from "../run-folder/run-origin.ts";
import { decodeOptions, isAbsent, type PreparedStage, prepareStages } from "./prepared-stage.ts";
import { chooseRun, type ChosenRun, type RunChoice } from "./choose-run.ts";
import { type Identity, runIdentity } from "./run-identity.ts";
import { select, type Selection, type Selectors } from "./select.ts";

/** What is to be run, as a command line or a program says it. */
export interface Command {
  /** By name or path, or composed in TypeScript. */
  readonly pipeline: string | Composition<any>;
  /** What goes over the pipeline's own configuration. */
  readonly layers: Omit<ConfigLayers, "pipeline">;
  /** Which of its stages. */
  readonly selectors: Selectors;
  /** In which run. */
  readonly choice: RunChoice;
  /** The step after which a training pauses (`--to-step`); without one it goes to its end. */
  readonly toStep?: number | undefined;
  /** The network is off limits (a dry run). */
  readonly offline: boolean;
  /** What kind of pipeline it is. */
  readonly app: App;
  /** A download's progress, before there is a run to report to. */
  readonly onProgress: (stage: string, done: number, total: number, unit: string) => void;
}

/** All that is known before a plan is made. */
export interface Prepared {
  /** The pipeline's own, else the command's. */
  readonly app: App;
  /** Its name. */
  readonly pipeline: string;
  /** As it was read. */
  readonly configuration: Configuration;
  /** What is to be said once. */
  readonly notes: readonly string[];
  /** What its stages find odd about their inputs, and found when a result was made that is in the store. */
  readonly warnings: ReadonlySet<string>;
  /** The configuration with the seed and the facts that are used. */
  readonly values: JsonObject;
  /** The run's, or one that was drawn. */
  readonly seed: number;
  /** The seed was drawn just now, and is kept only if the run begins. */
  readonly seedIsDrawn: boolean;
  /** What the app found of its surroundings. */
  readonly facts: Facts;
  /**
   * What names the run.
   * @internal
   */
  readonly identity: Identity;
  /**
   * The run, or the one that it will be.
   * @internal
   */
  readonly run: ChosenRun;
  /** False: no selected stage works in a run folder, so none is made. */
  readonly needsRun: boolean;
  /** What its stages are told of the run. */
  readonly info: RunInfo;
  /**
   * In the pipeline's order.
   * @internal
   */
  readonly stages: readonly PreparedStage[];
  /**
   * Which of them take part.
   * @internal
   */
  readonly selection: Selection;
  /**
   * Beside the runs.
   * @internal
   */
  readonly store: Store;
  /** What a stage, by its id, may use while the run is planned. */
  readonly toolsOf: (id: string) => InputTools;
}

/** A run to be, before anybody knows the digests of the weights that name it. */
const unnamed = (chosen: ChosenRun, { base, trigger }: Configuration): ChosenRun => {
  const name = `${trigger}-????????`;
  return { ...chosen, name, dir: join(base, name), similar: [], unreadable: [] };
};

const pastTheEnd = (toStep: number | undefined, steps: number | null): readonly string[] =>
  toStep === undefined || steps === null || toStep <= steps
    ? []
    : [`--to-step ${toStep} is past the end of this training (${steps} steps), which it goes to.`];

/** What a command means, with every option looked at. Fails with all that is wrong. Writes nothing. */
export const prepare: (
  command: Command,
) => Effect.Effect<Prepared, Fault> = Effect.fn("prepare")(function* (command) {
  const loaded = yield* loadPipeline(command.pipeline, command.app);
  const { app, name, placeOf } = loaded;
  const found = yield* Effect.result(loaded.steps);
  const results = [
    yield* Effect.result(app.readConfiguration({
      layers: { ...command.layers, ...loaded.layers },
      pipeline: name,
      steps: Result.isSuccess(found) ? found.success : [],
    })),
    yield* Effect.result(
      Effect.flatMap(Effect.fromResult(found), (steps) => wire(steps, placeOf)),
    ),
  ] as const;
  yield* together<unknown>(results);
  const configuration = yield* Effect.fromResult(results[0]);
  yield* folderOrRoom(configuration.base);
  const wired = yield* Effect.fromResult(results[1]);
  const selection = yield* select(wired, command.selectors);
  const needsRun = wired.some(({ id, stage }) =>
    stage.lifetime === "run" && selection.included.has(id)
  );
  const store = yield* openStore(join(configuration.base, storeName));
  const warnings = new Set<string>();
  const toolsOf = (id: string): InputTools => ({
    offline: command.offline,
    digestFile: store.digests.digestFile,
    progress: (done, total, unit) => Effect.sync(() => command.onProgress(id, done, total, unit)),
    warn: (text) => Effect.sync(() => void warnings.add(text)),
  });

  // The seed is no part of what is asked here; it may still be to be drawn.
  const { unhashed } = configuration;
  const unseeded = { ...configuration.values, seed: configuration.seed ?? 0 };
  const first = yield* decodeOptions(wired, { values: unseeded, unhashed }, placeOf);
  const asked = yield* prepareStages(first, selection, needsRun, toolsOf);
  const identity = runIdentity(configuration, asked);
  const chosen = yield* chooseRun(name, configuration, identity, command.choice);
  const isKnown = chosen.found !== null ||
    !asked.some(({ world, stage }) => isAbsent(world) && stage.continueOnError !== true);
  const run = isKnown ? chosen : unnamed(chosen, configuration);

  const { seed } = run;
  const manifest = run.found?.manifest;
  const worlds = new Map(asked.map(({ stage, world }) => [stage.name, world]));
  const settled = configuration.settle?.(worlds, manifest?.configuration ?? null);
  const seeded: JsonObject = { ...configuration.values, ...settled?.values, seed };
  const facts = yield* app.facts({
    configuration,
    values: seeded,
    worlds,
    kept: manifest === undefined ? null : { device: manifest.device, facts: manifest.facts },
    needsRun,
    offline: command.offline,
  });
  const values: JsonObject = { ...seeded, ...facts.values };
  const late = { seed, ...settled?.values, ...facts.values, ...facts.stageValues };
  const stages = yield* together(asked.map((each) => {
    const options = withFacts(each, each.options, late);
    return options instanceof Error ? Result.fail(options) : Result.succeed({ ...each, options });
  }));
  const { places, targetKeys } = configuration;
  const about = withoutKeys(values, [...targetKeys, ...Object.keys(places)]);
  const inputs = Object.fromEntries(
    asked.flatMap(({ id, world }) =>
      isAbsent(world) || world === null ? [] : [[id, world] as const]
    ),
  );
  const info: RunInfo = {
    name: run.name,
    configuration: about,
    places,
    inputs,
    configurationDigest: digestJson(about),
    tool,
    scheduleSteps: run.scheduleSteps,
    toStep: command.toStep ?? null,
    origin: {
      format: 1,
      run: run.name,
      pipeline: name,
      trigger: configuration.trigger,
      identities: [...new Set([...manifest?.identities ?? [], identity.digest])],
      seed,
      device: facts.device,
      facts: facts.kept as RunOrigin["facts"],
      scheduleSteps: run.scheduleSteps,
    },
  };
  return {
    app,
    pipeline: name,
    configuration,
    notes: [
      ...configuration.notes,
      ...pastTheEnd(command.toStep, configuration.steps),
      ...wired.flatMap(({ id, stage }) => noteOnNames(id, stage)),
      ...(configuration.notesOnInputs?.(inputs) ?? []),
      ...(settled?.notes ?? []),
      ...facts.notes,
    ],
    warnings,
    values,
    seed,
    seedIsDrawn: run.found === null && configuration.seed === null,
    facts,
    identity,
    run,
    needsRun,
    info,
    stages,
    selection,
    store,
    toolsOf,
  } satisfies Prepared;
});
