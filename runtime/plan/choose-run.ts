// Which run folder a command means: the one with its identity, the one it names, or a new one. Runs that
// it nearly means are named with what differs, so that nobody trains anew by a slip.
// The trap: a run may be found by several identities, once it went on with a changed configuration.
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { Effect } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { eventCodec } from "../events.ts";
import { readEvents } from "../execute/event-log.ts";
import { listRuns, readManifest, type Run } from "../execute/manifest.ts";
import { savedStep } from "../execute/saved-step.ts";
import type { Configuration } from "../pipeline/configuration.ts";
import { findRun, NoSuchRun } from "../runs/find-run.ts";
import { type Change, jsonDifference } from "./json-difference.ts";
import type { SimilarRun } from "./plan.ts";
import type { Identity } from "./run-identity.ts";

export class CannotExtend extends fault("CannotExtend", "user") {}

export interface RunChoice {
  /** A run by name, the beginning of its name, folder, or `latest` (`--resume`). */
  readonly resume?: string | undefined;
  /** Go on beyond the end of a run whose length matters, with its old rate schedule. */
  readonly extend?: boolean;
}

export interface ChosenRun {
  readonly name: string;
  readonly dir: string;
  /** Null: a new run. */
  readonly found: Run | null;
  readonly seed: number;
  readonly scheduleSteps: number | null;
  readonly similar: readonly SimilarRun[];
}

/** More differences than this, and the other run is simply another run. */
const fewChanges = 6;
const seedBelow = 2 ** 31;

const differences = (run: Run, identity: Identity) =>
  jsonDifference(run.manifest.identity, identity.json);

const onlyLength = (changes: readonly Change[], { lengthKeys }: Configuration) =>
  changes.length > 0 &&
  changes.every(({ key }) => lengthKeys.some((length) => key === `config.${length}`));

const similarRuns = (runs: readonly Run[], identity: Identity, configuration: Configuration) =>
  Effect.forEach(runs, (run) =>
    Effect.map(savedStep(run.dir), (step): readonly SimilarRun[] => {
      const changes = differences(run, identity);
      const length = onlyLength(changes, configuration);
      const complete = run.manifest.status === "complete";
      if (!length && (complete || changes.length > fewChanges)) return [];
      return [{
        run: run.manifest.run,
        step,
        complete,
        changes: changes as SimilarRun["changes"],
        why: length && configuration.lengthMatters !== null
          ? `${configuration.lengthMatters}; --extend goes on with it and its old schedule`
          : `--resume ${run.manifest.run} goes on with it all the same`,
      }];
    })).pipe(Effect.map((all) => all.flat()));

/** What `runs` understands too: a name or its beginning, a folder, `latest`. */
const namedRun = Effect.fnUntraced(function* (text: string, base: string, pipeline: string) {
  const { dir } = yield* findRun(text, base, {
    key: "--resume",
    among: ({ manifest }) => manifest?.pipeline === pipeline,
  });
  const manifest = yield* readManifest(dir);
  if (manifest !== null) return { dir, manifest };
  return yield* Effect.fail<Fault>(
    new NoSuchRun({
      key: "--resume",
      file: dir,
      wanted: "a run with its manifest",
      found: "a folder without run.json",
      fix: "Name another run, or leave --resume out to start a new one.",
    }),
  );
});

/** The run that `--extend` means: the one that differs in its length alone. */
function extendable(runs: readonly Run[], identity: Identity, configuration: Configuration) {
  const { base } = configuration;
  const candidates = runs.filter((run) => onlyLength(differences(run, identity), configuration));
  if (candidates.length === 1) return Effect.succeed(candidates[0]);
  return Effect.fail<Fault>(
    new CannotExtend({
      key: "--extend",
      wanted: `one run of ${base} that differs only in its length`,
      found: candidates.map(({ manifest }) => manifest.run).join(", ") || "none",
      fix: candidates.length === 0
        ? "Without --extend this starts a new run."
        : "Say which with --resume.",
    }),
  );
}

/** How long the schedule of a run was made for. */
const horizonOf = (run: Run, [inSteps]: Configuration["lengthKeys"]) =>
  Effect.gen(function* () {
    const { scheduleSteps, configuration } = run.manifest;
    if (scheduleSteps !== null) return scheduleSteps;
    const length = configuration[inSteps];
    if (typeof length === "number") return length;
    const { events } = yield* readEvents(join(run.dir, "events.jsonl"), eventCodec({}));
    // In epochs only the stage knows how many steps they are, and says so with its progress.
    const progress = events.findLast((event) =>
      event.event === "stage-progress" && event.unit === "steps"
    );
    return progress?.event === "stage-progress" ? progress.total as number : null;
  });

/** `trigger-8hex`, or more of the digest where another run has that name. */
function freeName(base: string, trigger: string, digest: string): string {
  const lengths = [8, 12, 16, 64];
  return lengths.map((length) => `${trigger}-${digest.slice(0, length)}`)
    .find((name) => !existsSync(join(base, name, "run.json")))!;
}

export const chooseRun = Effect.fnUntraced(function* (
  pipeline: string,
  configuration: Configuration,
  identity: Identity,
  { resume, extend = false }: RunChoice,
) {
  const { base, trigger } = configuration;
  const runs = (yield* listRuns(base)).filter(({ manifest }) => manifest.pipeline === pipeline);
  const known = runs.filter(({ manifest }) => manifest.identities.includes(identity.digest));
  // Beside a copy of its folder, the run is the one that still has its name.
  const same = known.find(({ dir, manifest }) => basename(dir) === manifest.run) ?? known[0];
  const found = resume !== undefined
    ? yield* namedRun(resume, base, pipeline)
    : same ?? (extend ? yield* extendable(runs, identity, configuration) : null);
  if (found === null) {
    const name = freeName(base, trigger, identity.digest);
    return {
      name,
      dir: join(base, name),
      found,
      seed: configuration.seed ?? randomInt(seedBelow),
      scheduleSteps: null,
      similar: yield* similarRuns(runs, identity, configuration),
    } satisfies ChosenRun;
  }
  const stretched = extend && onlyLength(differences(found, identity), configuration);
  return {
    name: basename(found.dir),
    dir: found.dir,
    found,
    seed: found.manifest.seed,
    scheduleSteps: stretched
      ? yield* horizonOf(found, configuration.lengthKeys)
      : found.manifest.scheduleSteps,
    similar: [],
  } satisfies ChosenRun;
});
