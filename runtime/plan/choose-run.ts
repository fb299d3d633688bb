// Which run folder a command means: the one with its identity, the one it names, or a new one. Runs that
// it nearly means are named with what differs, so that nobody trains anew by a slip.
// The trap: a run may be found by several identities, once it went on with a changed configuration.
import { randomInt } from "node:crypto";
import { basename, join } from "node:path";
import { Effect } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { foldersIn } from "../../lib/look.ts";
import { eventCodec } from "../events.ts";
import { readEvents } from "../run-folder/event-log.ts";
import { type Orphan, readRun, type Run } from "../run-folder/manifest.ts";
import { loadState, savedStep, stateFile } from "../run-folder/state.ts";
import type { Configuration } from "../options/configuration.ts";
import { findRun, NoSuchRun } from "../runs/find-run.ts";
import { type Change, jsonDifference } from "../../lib/json-difference.ts";
import { describeChanges } from "./reason.ts";
import type { SimilarRun, UnreadableRun } from "./plan.ts";
import type { Identity } from "./run-identity.ts";
import { eventsFile, manifestFile } from "../run-folder/run-files.ts";

export class CannotExtend extends fault("CannotExtend", "user") {}
export class ForeignState extends fault("ForeignState", "user") {}

/** Which run a command goes on with; by default the one that its options name. */
export interface RunChoice {
  /** A run by name, the beginning of its name, folder, or `latest` (`--resume`). */
  readonly resume?: string | undefined;
  /** Go on beyond the end of a run whose length matters, with its old rate schedule. */
  readonly extend?: boolean;
  /**
   * The runs of a folder, for who prepares many: read once (`runsIn`, by default each time).
   * @internal
   */
  readonly runsIn?: (base: string) => Effect.Effect<readonly FoundRun[]>;
}

/** @internal */
export type FoundRun = Run | Orphan;

export interface ChosenRun {
  readonly name: string;
  readonly dir: string;
  /** Null: a new run. */
  readonly found: Run | null;
  readonly seed: number;
  readonly scheduleSteps: number | null;
  readonly similar: readonly SimilarRun[];
  /** Others of this trigger whose `run.json` is lost or damaged. */
  readonly unreadable: readonly UnreadableRun[];
}

/** More differences than this, and the other run is simply another run. */
const fewChanges = 6;
const seedBelow = 2 ** 31;

const differences = (run: Run, identity: Identity) =>
  jsonDifference(run.manifest.identity, identity.json);

const onlyLength = (changes: readonly Change[], { lengthKeys }: Configuration) =>
  changes.length > 0 &&
  changes.every(({ key }) => lengthKeys.some((length) => key === `config.${length}`));

const inWords = ({ manifest }: Run, changes: readonly Change[], identity: Identity) => {
  const options = changes.filter(({ key }) => !/^stages\..*\.inputs\b/.test(key));
  const inputs = identity.inputsUnlike(manifest.identity);
  return [...inputs, ...(options.length === 0 ? [] : [describeChanges(options)])].join("; ");
};

const similarRuns = (runs: readonly Run[], identity: Identity, configuration: Configuration) =>
  Effect.forEach(runs, (run) => {
    const changes = differences(run, identity);
    const length = onlyLength(changes, configuration);
    const complete = run.manifest.status === "complete";
    if (!length && (complete || changes.length > fewChanges)) return Effect.succeed([]);
    return Effect.map(savedStep(run.dir), (step): readonly SimilarRun[] => [{
      run: run.manifest.run,
      step,
      complete,
      changes: changes as SimilarRun["changes"],
      what: inWords(run, changes, identity),
      why: length && configuration.lengthMatters !== null
        ? `${configuration.lengthMatters}; --extend goes on with it and its old schedule`
        : `--resume ${run.manifest.run} goes on with it all the same`,
    }]);
  }).pipe(Effect.map((all) => all.flat()));

/** What `runs` understands too: a name or its beginning, a folder, `latest`. */
const namedRun = Effect.fnUntraced(function* (text: string, base: string, pipeline: string) {
  const { dir } = yield* findRun(text, base, {
    key: "--resume",
    among: ({ manifest }) => manifest === null || manifest.pipeline === pipeline,
  });
  const found = yield* readRun(dir);
  if (found !== null && "manifest" in found) return found;
  return yield* Effect.fail<Fault>(
    new NoSuchRun({
      key: "--resume",
      file: manifestFile(dir),
      wanted: "the manifest of a run",
      found: found === null ? "none" : `${found.orphan}, beside a state that says too little of it`,
      fix: "Put an unharmed copy of run.json in its place, or name another run.",
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
    const { events } = yield* readEvents(eventsFile(run.dir), eventCodec({}));
    // In epochs only the stage knows how many steps they are, and says so with its progress.
    const progress = events.findLast((event) =>
      event.event === "stage-progress" && event.unit === "steps"
    );
    return progress?.event === "stage-progress" ? progress.total as number : null;
  });

/** `trigger-8hex`, or more of the digest where another run has that name. */
const namesOf = (trigger: string, { digest }: Identity) =>
  [8, 12, 16, 64].map((length) => `${trigger}-${digest.slice(0, length)}`);

/**
 * All runs of the base folder, also those whose manifest cannot be read: what the disk hides of another run
 * is not this command's concern, and its own is read once more.
 * @internal
 */
export const runsIn = Effect.fnUntraced(function* (base: string) {
  const folders = yield* Effect.orElseSucceed(foldersIn(base), (): readonly string[] => []);
  const found = yield* Effect.forEach(
    folders,
    (dir) =>
      Effect.catch(
        readRun(dir),
        ({ found }) => Effect.succeed<Orphan>({ dir, orphan: found }),
      ),
    { concurrency: 16 },
  );
  return found.filter((each) => each !== null);
});

/** The first of the names that is free, or the run of this identity that has it by now. */
const freeOrOwn = Effect.fnUntraced(
  function* (base: string, names: readonly string[], digest: string) {
    for (const name of names) {
      const run = yield* readRun(join(base, name));
      if (run === null) return name;
      if ("manifest" in run && run.manifest.identities.includes(digest)) return run;
    }
    return names.at(-1)!;
  },
);

const unreadableRuns = Effect.fnUntraced(function* (
  all: readonly FoundRun[],
  { trigger }: Configuration,
  chosen: string | null,
) {
  const lost = all.filter((each) =>
    each.dir !== chosen &&
    ("orphan" in each
      ? basename(each.dir).startsWith(`${trigger}-`)
      : each.lost !== null && each.manifest.trigger === trigger)
  );
  return yield* Effect.forEach(
    lost,
    (each) =>
      Effect.map(savedStep(each.dir), (step): UnreadableRun => ({
        run: basename(each.dir),
        step,
        trouble: "orphan" in each ? each.orphan : each.lost!,
        goesOn: "manifest" in each,
      })),
  );
});

/** A state beside a manifest that is not its own would be trained on with another seed. */
const checkState = ({ dir, manifest, lost }: Run) =>
  Effect.flatMap(Effect.orElseSucceed(loadState(dir), () => null), (state) => {
    const seed = state?.origin?.seed ?? manifest.seed;
    return lost !== null || seed === manifest.seed ? Effect.void : Effect.fail<Fault>(
      new ForeignState({
        file: stateFile(dir),
        wanted: `a state of this run, whose run.json has the seed ${manifest.seed}`,
        found: `one with the seed ${seed}`,
        fix:
          "One of the two files is another run's or was changed: put the right one in its place.",
      }),
    );
  });

export const chooseRun = Effect.fn("chooseRun")(function* (
  pipeline: string,
  configuration: Configuration,
  identity: Identity,
  { resume, extend = false, runsIn: read = runsIn }: RunChoice,
) {
  const { base, trigger } = configuration;
  const names = namesOf(trigger, identity);
  const all = yield* read(base);
  const runs = all.filter((each): each is Run =>
    "manifest" in each && each.manifest.pipeline === pipeline
  );
  const known = runs.filter(({ manifest }) => manifest.identities.includes(identity.digest));
  // Beside a copy of its folder, the run is the one that still has its name.
  const same = known.find(({ dir, manifest }) => basename(dir) === manifest.run) ?? known[0];
  const named = resume !== undefined
    ? yield* namedRun(resume, base, pipeline)
    : same ?? (extend ? yield* extendable(runs, identity, configuration) : null);
  const free = named === null ? yield* freeOrOwn(base, names, identity.digest) : named;
  if (typeof free === "string") {
    const whole = runs.filter(({ lost }) => lost === null);
    return {
      name: free,
      dir: join(base, free),
      found: null,
      seed: configuration.seed ?? randomInt(seedBelow),
      scheduleSteps: null,
      similar: yield* similarRuns(whole, identity, configuration),
      unreadable: yield* unreadableRuns(all, configuration, null),
    } satisfies ChosenRun;
  }
  yield* checkState(free);
  const stretched = extend && onlyLength(differences(free, identity), configuration);
  return {
    name: basename(free.dir),
    dir: free.dir,
    found: free,
    seed: free.manifest.seed,
    scheduleSteps: stretched
      ? yield* horizonOf(free, configuration.lengthKeys)
      : free.manifest.scheduleSteps,
    similar: [],
    unreadable: yield* unreadableRuns(all, configuration, free.dir),
  } satisfies ChosenRun;
});
