// Everything before the first stage runs: the pipeline and its stages, the configuration, the wiring, each
// stage's options, what the stages say of pictures and weights, and the run folder that all this means.
// The trap: everything that is wrong is collected and said at once, and nothing is written meanwhile.
import { join } from "node:path";
import { Effect, Result, type Schema } from "effect";
import { canonicalJson, digestJson } from "../../lib/canonical-json.ts";
import { allFaults, type Fault, NotDownloaded } from "../../lib/fault.ts";
import type { App, Facts } from "../app.ts";
import { faultsOnly } from "../execute/attempts.ts";
import { withRetries } from "../../lib/with-retries.ts";
import type { Composition } from "../pipeline/compose.ts";
import type { ConfigLayers, Configuration, JsonObject } from "../pipeline/configuration.ts";
import { withoutKeys } from "../../lib/mapping.ts";
import { noteOnNames } from "../pipeline/former-names.ts";
import { define, together } from "../pipeline/load-pipeline.ts";
import { stageOptions, withFacts } from "../pipeline/stage-options.ts";
import { wire, type Wired } from "../pipeline/wiring.ts";
import { tool } from "../platform/versions.ts";
import type { InputTools, RunInfo } from "../stage.ts";
import { openStore, type Store, storeName } from "../store/artefact-store.ts";
import type { RunOrigin } from "../execute/run-origin.ts";
import { isAbsent, type PreparedStage } from "./prepared-stage.ts";
import { chooseRun, type ChosenRun, type RunChoice } from "./choose-run.ts";
import type { Plan } from "./plan.ts";
import { type Identity, runIdentity } from "./run-identity.ts";
import { select, type Selection, type Selectors } from "./select.ts";

export interface Command {
  readonly pipeline: string | Composition<any>;
  readonly layers: Omit<ConfigLayers, "pipeline">;
  readonly selectors: Selectors;
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

export interface Prepared {
  readonly app: App;
  readonly pipeline: string;
  readonly configuration: Configuration;
  /** What is to be said once. */
  readonly notes: readonly string[];
  /** The configuration with the seed and the facts that are used. */
  readonly values: JsonObject;
  readonly seed: number;
  /** The seed was drawn just now, and is kept only if the run begins. */
  readonly seedIsDrawn: boolean;
  readonly facts: Facts;
  readonly identity: Identity;
  readonly run: ChosenRun;
  /** False: no selected stage works in a run folder, so none is made. */
  readonly needsRun: boolean;
  readonly info: RunInfo;
  readonly stages: readonly PreparedStage[];
  readonly selection: Selection;
  readonly store: Store;
  readonly toolsOf: (id: string) => InputTools;
}

/** Fails with all that is wrong. Writes nothing. */
export const prepare = Effect.fn("prepare")(function* (command: Command) {
  const definition = yield* define(command.pipeline, command.app);
  const { app, name, placeOf } = definition;
  const found = yield* Effect.result(definition.steps);
  const results = [
    yield* Effect.result(app.readConfiguration({
      layers: { ...command.layers, ...definition.layers },
      pipeline: name,
      steps: Result.isSuccess(found) ? found.success : [],
    })),
    yield* Effect.result(
      Effect.flatMap(Effect.fromResult(found), (steps) => wire(steps, placeOf)),
    ),
  ] as const;
  yield* together<unknown>(results);
  const configuration = yield* Effect.fromResult(results[0]);
  const wired = yield* Effect.fromResult(results[1]);
  const selection = yield* select(wired, command.selectors);
  const needsRun = wired.some(({ id, stage }) =>
    stage.lifetime === "run" && selection.included.has(id)
  );
  const store = yield* openStore(join(configuration.base, storeName));
  const toolsOf = (id: string): InputTools => ({
    offline: command.offline,
    digestFile: store.digests.digestFile,
    progress: (done, total, unit) => Effect.sync(() => command.onProgress(id, done, total, unit)),
  });

  // The seed is no part of what is asked here; it may still be to be drawn.
  const { unhashed } = configuration;
  const unseeded = { ...configuration.values, seed: configuration.seed ?? 0 };
  const first = yield* decodeOptions(wired, { values: unseeded, unhashed }, placeOf);
  const asked = yield* prepareStages(first, selection, needsRun, toolsOf);
  const identity = runIdentity(configuration, asked);
  const chosen = yield* chooseRun(name, configuration, identity, command.choice);
  // Without the weights' digests nobody knows which run it would be.
  const known = chosen.found !== null ||
    !asked.some(({ world, stage }) => isAbsent(world) && stage.continueOnError !== true);
  const run: ChosenRun = known ? chosen : {
    ...chosen,
    name: `${configuration.trigger}-????????`,
    dir: join(configuration.base, `${configuration.trigger}-????????`),
    similar: [],
    unreadable: [],
  };

  const worlds = new Map(asked.map(({ stage, world }) => [stage.name, world]));
  const settled = configuration.settle?.(worlds, run.found?.manifest.configuration ?? null);
  const seeded: JsonObject = { ...configuration.values, ...settled?.values, seed: run.seed };
  const manifest = run.found?.manifest;
  const facts = yield* app.facts({
    configuration,
    values: seeded,
    worlds,
    kept: manifest === undefined ? null : { device: manifest.device, facts: manifest.facts },
    needsRun,
    offline: command.offline,
  });
  const values: JsonObject = { ...seeded, ...facts.values };
  const { seed } = run;
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
      identities: [...new Set([...run.found?.manifest.identities ?? [], identity.digest])],
      seed: run.seed,
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
      ...wired.flatMap(({ id, stage }) => noteOnNames(id, stage)),
      ...(configuration.notesOnInputs?.(inputs) ?? []),
      ...(settled?.notes ?? []),
      ...facts.notes,
    ],
    values,
    seed: run.seed,
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

// From wired stages to ones that could run: each with its options decoded, and asked what it needs of the
// world outside (pictures, weights).
// The trap: in a dry run what is not on this machine is an answer too, not a failure.

type Decoded = Omit<PreparedStage, "world">;

/** All options, or every complaint about them. */
export const decodeOptions = (
  wired: readonly Wired[],
  configuration: Parameters<typeof stageOptions>[1],
  placeOf: Parameters<typeof stageOptions>[2],
): Effect.Effect<readonly Decoded[], Fault> =>
  together(wired.map((each) => {
    const found = stageOptions(each, configuration, placeOf);
    return "faults" in found
      ? Result.fail(allFaults(found.faults))
      : Result.succeed({ ...each, options: found.options });
  }));

const askExternalInputs = (
  { id, stage, use, options }: Decoded,
  tools: InputTools,
): Effect.Effect<Schema.Json | NotDownloaded, Fault> =>
  stage.inputs === undefined ? Effect.succeed(null) : Effect.suspend(() => {
    const asked: unknown = stage.inputs!(options.decoded, tools);
    // A stranger's stage is not compiled against the contract.
    return Effect.isEffect(asked)
      ? asked as Effect.Effect<unknown, Fault>
      : Effect.die(new TypeError("inputs gave no Effect"));
  }).pipe(
    Effect.map((json) => JSON.parse(canonicalJson(json ?? null)) as Schema.Json),
    faultsOnly(id),
    withRetries(use.retry ?? null, () => Effect.void),
    Effect.catch((fault) =>
      tools.offline && fault instanceof NotDownloaded ? Effect.succeed(fault) : Effect.fail(fault)
    ),
  );

/**
 * The stages with what they say of the world. One after another, and once something is wrong without the
 * network: nobody waits for a download only to hear that there are no pictures. A stage that does not take
 * part is not asked: its weights may not be here.
 */
export const prepareStages = (
  decoded: readonly Decoded[],
  selection: Selection,
  needsRun: boolean,
  toolsOf: (id: string) => InputTools,
): Effect.Effect<readonly PreparedStage[], Fault> =>
  Effect.suspend(() => {
    let wrong = false;
    return Effect.forEach(decoded, (each) => {
      const tools = toolsOf(each.id);
      const world = needsRun || selection.included.has(each.id)
        ? askExternalInputs(each, { ...tools, offline: tools.offline || wrong })
        : Effect.succeed(null);
      return world.pipe(
        Effect.map((world): PreparedStage => ({ ...each, world })),
        Effect.tapError(() => Effect.sync(() => wrong = true)),
        Effect.result,
      );
    });
  }).pipe(Effect.flatMap(together));

// What the stages that will run find wrong with their options before anything runs: all of it at once.

export const preflight = (
  { stages, toolsOf }: Prepared,
  plan: Plan,
): Effect.Effect<void, Fault> => {
  const runs = new Set(plan.stages.flatMap(({ id, action }) => action === "run" ? id : []));
  return Effect.forEach(
    stages.filter(({ id }) => runs.has(id)),
    ({ id, stage, options }) =>
      stage.preflight === undefined
        ? Effect.succeed([])
        : faultsOnly(id)(stage.preflight(options.decoded, toolsOf(id))),
  ).pipe(Effect.flatMap((found) => {
    const faults = found.flat();
    return faults.length === 0 ? Effect.void : Effect.fail(allFaults(faults));
  }));
};
