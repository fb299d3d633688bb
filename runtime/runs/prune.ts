// Clears up a folder of runs: from the store what no run refers to, and (only where an age is given) runs
// that never ended well and were not touched for so long; nothing while a run cannot be read. First a list,
// then the removal of that list.
// The trap: a training that starts meanwhile may want what is about to go; so nothing is removed while
// one runs, and one that comes in between makes again what it misses.
import { join } from "node:path";
import { Effect } from "effect";
import { diskFault } from "../../lib/disk-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { bytesBelow, danglingIn, namesIn } from "../../lib/look.ts";
import { storeName } from "../store/artefact-store.ts";
import { deleteRun } from "./delete-run.ts";
import { isLeftover } from "../run-folder/run-files.ts";
import { referencesOf } from "./references.ts";
import { needed, readStore, type StoredFile } from "./store-contents.ts";
import { type RunStatus, type SurveyedRun, surveyRuns } from "./survey.ts";

export class RunsAtWork extends fault("RunsAtWork", "user") {}

export interface Prunable {
  readonly runs: readonly { readonly run: SurveyedRun; readonly bytes: number }[];
  readonly blobs: readonly StoredFile[];
  /** Entries of the store, small ones, whose blobs are not needed. */
  readonly entries: readonly StoredFile[];
  /** What an interrupted deletion or import left, by name. */
  readonly leftovers: readonly string[];
  /** Runs that cannot be read; while there are any, all else stays: nobody knows what they need. */
  readonly unreadable: readonly Unreadable[];
}

interface Unreadable {
  readonly name: string;
  readonly trouble: string | null;
  readonly fix: string;
}

const putBack = "put its run.json back or give its command again; or give it up with `runs delete`";
const bringBack = "bring back what it points at, or remove it";

const endedBadly: ReadonlySet<RunStatus> = new Set(["stopped", "failed", "killed"]);

const without = (all: readonly StoredFile[], kept: readonly StoredFile[]): StoredFile[] => {
  const paths = new Set(kept.map(({ path }) => path));
  return all.filter(({ path }) => !paths.has(path)).map(({ path, bytes }) => ({ path, bytes }));
};

/** What could go; `before` (milliseconds since 1970) is the age from which failed runs go, or null. */
export const findPrunable = (
  base: string,
  before: number | null,
): Effect.Effect<Prunable, Fault> =>
  Effect.gen(function* () {
    const runs = yield* surveyRuns(base);
    const busy = runs.filter(({ status }) => status === "running" || status === "elsewhere");
    if (busy.length > 0) {
      return yield* Effect.fail(
        new RunsAtWork({
          file: base,
          wanted: "no training at work in this folder while it is cleared up",
          found: busy.map(({ name, pid }) => `${name} (process ${pid})`).join(", "),
          fix: "Wait for it, or stop it with `runs stop`; it goes on with the same command.",
        }),
      );
    }
    const away = yield* Effect.orElseSucceed(danglingIn(base), () => []);
    const unreadable: readonly Unreadable[] = [
      ...runs.filter(({ status }) => status === "broken")
        .map(({ name, trouble }) => ({ name, trouble, fix: putBack })),
      ...away.map((name) => ({ name, trouble: "a link to what is not there", fix: bringBack })),
    ];
    const leftovers = (yield* namesIn(base)).filter(isLeftover);
    if (unreadable.length > 0) return { runs: [], blobs: [], entries: [], leftovers, unreadable };
    const old = before === null
      ? []
      : runs.filter(({ status, touchedAt }) => endedBadly.has(status) && touchedAt < before);
    const stay = runs.filter((run) => !old.includes(run));
    const references = yield* Effect.forEach(stay, ({ dir }) => referencesOf(dir));
    const all = yield* readStore(join(base, storeName));
    const kept = needed(all, new Set(references.flatMap((set) => [...set])));
    return {
      runs: yield* Effect.forEach(
        old,
        (run) => Effect.map(bytesBelow(run.dir), (bytes) => ({ run, bytes })),
      ),
      blobs: without([...all.blobs.values()], [...kept.blobs.values()]),
      leftovers,
      entries: [...without(all.artefacts, kept.artefacts), ...without(all.memos, kept.memos)],
      unreadable,
    };
  });

/** Removes what was found. Entries go before the blobs that they name. */
export const removePrunable = (
  base: string,
  { runs, blobs, entries, leftovers }: Prunable,
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    yield* Effect.forEach(runs, ({ run }) => deleteRun(run));
    const files = yield* Files;
    const stored = [...entries, ...blobs].map(({ path }) => join(storeName, path));
    yield* Effect.forEach([...stored, ...leftovers], (path) => {
      const file = join(base, path);
      return Effect.mapError(
        files.remove(file, { recursive: true, force: true }),
        diskFault(file, "to remove what nobody needs"),
      );
    }, { concurrency: 8, discard: true });
  });
