// Whether this machine can train a sweep's trials, and how: with its own places for pictures and weights, as
// long as they are the same ones. What it cannot it leaves to others, and says why.
// The trap: a path may be here and hold something else. So a trial is prepared as its training would be, and
// only one that comes to the same identity is taken.
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { Effect } from "effect";
import { placeKeys, targetKeys } from "../config/places.ts";
import { fleetFolder } from "../fleet/fleet-files.ts";
import { lacks } from "../fleet/fleet-status.ts";
import { foreignParts } from "../fleet/foreign-parts.ts";
import type { PlannedSweep, PlannedTrial } from "../fleet/planned-sweep.ts";
import type { Presence } from "../fleet/presence.ts";
import type { Fit } from "../fleet/train-fenced.ts";
import { trainingApp } from "../inversion/app.ts";
import { atomicWrite, makeFolder } from "../lib/atomic-write.ts";
import type { Fault } from "../lib/fault.ts";
import { sha256 } from "../lib/sha256.ts";
import { textsAt } from "../runtime/options/decode-source.ts";
import { keepDigests } from "../runtime/plan/make-plan.ts";
import { prepare } from "../runtime/plan/prepare.ts";
import { settingsOf } from "../sweep/trials.ts";

export interface Here {
  /** The folder of runs of this machine, where runs travel; null: the sweep's own, which all see. */
  readonly base: string | null;
  /** Where pictures and weights are looked for that are not where the configuration says. */
  readonly dataRoot: string | null;
}

type Overrides = PlannedTrial["overrides"];

/** Of a path, the longest end that is below the folder. */
const below = (root: string, path: string): string | undefined => {
  const parts = path.split(/[\\/]+/).filter((part) => !["", ".", ".."].includes(part));
  return parts.map((_, i) => join(root, ...parts.slice(i))).find((each) => existsSync(each));
};

/** A file with the configuration as the sweep has it: its own may have changed since, or lie elsewhere. */
const configHere = (
  { config, configText }: PlannedSweep,
  base: string,
): Effect.Effect<string | null, Fault> =>
  Effect.gen(function* () {
    if (config === null || configText === undefined) return config;
    const folder = fleetFolder(base);
    yield* makeFolder(folder);
    const file = join(folder, `${sha256(configText).slice(0, 16)}-${basename(config)}`);
    yield* atomicWrite(file, configText);
    return file;
  });

const layersOf = (config: string | null, overrides: Overrides, base: string) => ({
  ...(config === null ? {} : { file: config }),
  set: settingsOf(overrides),
  output: base,
});

/** Options that are elsewhere here, by key. */
const elsewhere = (config: string | null, overrides: Overrides, base: string, root: string) =>
  Effect.gen(function* () {
    const { values } = yield* trainingApp().readConfiguration({
      layers: layersOf(config, overrides, base),
      pipeline: "",
      steps: [],
    });
    const targets = targetKeys();
    return Object.fromEntries(
      Object.entries(textsAt(values, placeKeys())).flatMap(([key, value]) => {
        if (targets.includes(key) || existsSync(value)) return [];
        const found = below(root, value);
        return found === undefined ? [] : [[key, found]];
      }),
    );
  });

/** As its training would be prepared; null: it comes to the same, else why not. */
const sameHere = (
  plan: PlannedSweep,
  trial: PlannedTrial,
  config: string | null,
  overrides: Overrides,
  base: string,
) =>
  Effect.gen(function* () {
    const prepared = yield* prepare({
      pipeline: plan.pipeline,
      layers: layersOf(config, overrides, base),
      selectors: {},
      choice: {},
      offline: false,
      app: trainingApp(),
      onProgress: () => {},
    });
    yield* keepDigests(prepared);
    const { digest } = prepared.identity;
    return trial.identity === undefined || digest === trial.identity
      ? null
      : "pictures, weights or a pipeline that are others here";
  });

export const fitsHere =
  ({ about }: Presence, { base, dataRoot }: Here) =>
  (plan: PlannedSweep, trial: PlannedTrial): Effect.Effect<Fit> =>
    Effect.gen(function* () {
      const no = (why: string): Fit => ({ fits: false, why });
      const yes = (config: string | null, overrides: Overrides): Fit => ({
        fits: true,
        config,
        overrides,
      });
      const lack = lacks(plan, about);
      if (lack.length > 0) return no(`it needs ${lack.join(", ")}`);
      if (base === null && !existsSync(plan.base)) {
        return no(`${plan.base} is not here (--blobs lets runs travel)`);
      }
      if (!about.customStages) {
        // What the plan says of its pipeline is anybody's word; the file is what would be run.
        const parts = yield* foreignParts(plan.pipeline, trainingApp());
        if (parts.length > 0) return no(`${parts.join(", ")} without --allow-custom-stages`);
      }
      const runs = base ?? plan.base;
      const config = yield* configHere(plan, runs);
      const places = dataRoot === null
        ? {}
        : yield* elsewhere(config, trial.overrides, runs, resolve(dataRoot));
      const why = yield* sameHere(plan, trial, config, { ...trial.overrides, ...places }, runs);
      return why === null ? yes(config, places) : no(why);
    }).pipe(
      Effect.catch((error) => Effect.succeed<Fit>({ fits: false, why: error.message })),
    );

/** On the machine that made the sweep all of it fits. */
export const fitsAlone = (plan: PlannedSweep): Effect.Effect<Fit> =>
  configHere(plan, plan.base).pipe(
    Effect.map((config): Fit => ({ fits: true, config, overrides: {} })),
    Effect.catch((error) => Effect.succeed<Fit>({ fits: false, why: error.message })),
  );
