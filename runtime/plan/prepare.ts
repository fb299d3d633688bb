// Everything before the first stage runs: the pipeline and its stages, the configuration, the wiring, each
// stage's options, what the stages say of pictures and weights, and the run folder that all this means.
// The trap: everything that is wrong is collected and said at once, and nothing is written meanwhile.
import { join } from "node:path";
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { tool } from "../execute/versions.ts";
import type { FoundDevice } from "../../inversion/model/find-device.ts";
import type { FoundMemory, MemoryWish } from "../../inversion/model/find-memory.ts";
import type { Composition } from "../pipeline/compose.ts";
import type {
  ConfigLayers,
  Configuration,
  JsonObject,
  ReadConfiguration,
} from "../pipeline/configuration.ts";
import { define, together } from "../pipeline/define.ts";
import { wire } from "../pipeline/wiring.ts";
import type { InputTools, RunInfo } from "../stage.ts";
import { openStore, type Store, storeName } from "../store/artefact-store.ts";
import { digestJson } from "../../lib/canonical-json.ts";
import { isAbsent, type Readied } from "./assess.ts";
import { chooseRun, type ChosenRun, type RunChoice } from "./choose-run.ts";
import { decodeOptions, readyAll } from "./ready-stages.ts";
import { type Identity, runIdentity } from "./run-identity.ts";
import { select, type Selection, type Selectors } from "./select.ts";

export interface Command {
  readonly pipeline: string | Composition<any>;
  readonly layers: Omit<ConfigLayers, "pipeline">;
  readonly selectors: Selectors;
  readonly choice: RunChoice;
  /** The network is off limits (a dry run). */
  readonly offline: boolean;
}

/** What differs between the real world and a test. */
export interface World {
  readonly readConfiguration: ReadConfiguration;
  /** Which device a new run computes on, where the configuration leaves it open. */
  readonly findDevice: (configuration: Configuration) => Effect.Effect<FoundDevice, Fault>;
  /** Which memory plan a run takes; null: nothing is computed. */
  readonly findMemory: (wish: MemoryWish) => Effect.Effect<FoundMemory | null, Fault>;
  /** A download's progress, before there is a run to report to. */
  readonly onProgress: (stage: string, done: number, total: number, unit: string) => void;
}

export interface Prepared {
  readonly pipeline: string;
  readonly configuration: Configuration;
  /** What is to be said once. */
  readonly notes: readonly string[];
  /** The configuration with the seed and the device that are used. */
  readonly values: JsonObject;
  readonly seed: number;
  /** The seed was drawn just now, and is kept only if the run begins. */
  readonly seedIsDrawn: boolean;
  readonly device: string | null;
  readonly memory: FoundMemory | null;
  readonly identity: Identity;
  readonly run: ChosenRun;
  /** False: no selected stage works in a run folder, so none is made. */
  readonly needsRun: boolean;
  readonly info: RunInfo;
  readonly stages: readonly Readied[];
  readonly selection: Selection;
  readonly store: Store;
  readonly toolsOf: (id: string) => InputTools;
}

/** Both, or the faults of both. */
const both = <A, B>(one: Effect.Effect<A, Fault>, other: Effect.Effect<B, Fault>) =>
  Effect.gen(function* () {
    const results = yield* Effect.all([Effect.result(one), Effect.result(other)]);
    yield* together<A | B>(results);
    return [yield* Effect.fromResult(results[0]), yield* Effect.fromResult(results[1])] as const;
  });

/** Fails with all that is wrong. Writes nothing. */
export const prepare = Effect.fnUntraced(function* (command: Command, world: World) {
  const definition = yield* define(command.pipeline);
  const { name, placeOf } = definition;
  const [configuration, wired] = yield* both(
    world.readConfiguration({ ...command.layers, ...definition.layers }),
    Effect.flatMap(definition.seats, (seats) => wire(seats, placeOf)),
  );
  const selection = yield* select(wired, command.selectors);
  const needsRun = wired.some(({ id, stage }) =>
    stage.lifetime === "run" && selection.included.has(id)
  );
  const store = yield* openStore(join(configuration.base, storeName));
  const toolsOf = (id: string): InputTools => ({
    offline: command.offline,
    digestFile: store.digests.digestFile,
    progress: (done, total, unit) => Effect.sync(() => world.onProgress(id, done, total, unit)),
  });

  // The seed is no part of what is asked here; it may still be to be drawn.
  const { unhashed } = configuration;
  const unseeded = { ...configuration.values, seed: configuration.seed ?? 0 };
  const first = yield* decodeOptions(wired, { values: unseeded, unhashed }, placeOf);
  const asked = yield* readyAll(first, selection, needsRun, toolsOf);
  const identity = runIdentity(configuration, asked);
  const chosen = yield* chooseRun(name, configuration, identity, command.choice);
  // Without the weights' digests nobody knows which run it would be.
  const known = chosen.found !== null ||
    !asked.some(({ world, stage }) => isAbsent(world) && stage.supervised !== true);
  const run: ChosenRun = known ? chosen : {
    ...chosen,
    name: `${configuration.trigger}-????????`,
    dir: join(configuration.base, `${configuration.trigger}-????????`),
    similar: [],
  };

  const named = configuration.device === "auto" ? null : configuration.device;
  const kept = named ?? run.found?.manifest.device ?? null;
  const { device, note } = kept === null
    ? yield* world.findDevice(configuration)
    : { device: kept, note: null };
  const values: JsonObject = {
    ...configuration.values,
    seed: run.seed,
    ...(device === null ? {} : { provider: device }),
  };
  const keptPlan = run.found?.manifest.memoryPlan ?? null;
  const memory = needsRun && device !== null
    ? yield* world.findMemory({ values, device, kept: keptPlan, all: command.offline })
    : null;
  // What a result says about itself does not hang on how much memory was free.
  const planned = memory === null ? values : { ...values, memory_plan: memory.plan };
  const options = yield* decodeOptions(wired, { values: planned, unhashed }, placeOf);
  const stages = options.map((each, i): Readied => ({ ...each, world: asked[i].world }));
  const about = Object.fromEntries(
    Object.entries(values).filter(([key]) => !configuration.placeKeys.includes(key)),
  );
  const info: RunInfo = {
    name: run.name,
    configuration: about,
    configurationDigest: digestJson(about),
    tool,
    scheduleSteps: run.scheduleSteps,
  };
  return {
    pipeline: name,
    configuration,
    notes: [
      ...configuration.notes,
      ...(note === null ? [] : [note]),
      ...(memory?.notes ?? []),
    ],
    values,
    seed: run.seed,
    seedIsDrawn: run.found === null && configuration.seed === null,
    device,
    memory,
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
