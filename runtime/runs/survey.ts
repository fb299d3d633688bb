// What lies in a folder of runs, whatever state it is in: each run with its status, judged from its
// manifest, its lock and its state, without reading its events.
// The trap: a run that was killed says nothing of it; it is one that has not ended and that nobody works in.
import { basename, join, resolve } from "node:path";
import { Effect } from "effect";
import { diskFault, errnoOf } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { foldersIn, writtenAt } from "../../lib/look.ts";
import { lockState } from "../../lib/lock.ts";
import { type Attempt, type Manifest, readManifest } from "../run-folder/manifest.ts";
import { isRunFolder, runMarks } from "../run-folder/run-files.ts";
import { savedStep } from "../run-folder/state.ts";

/**
 * elsewhere: a process of another machine has the lock and may be alive. killed: it ended without a
 * word. broken: its manifest is missing or damaged.
 */
export type RunStatus =
  | "running"
  | "elsewhere"
  | "complete"
  | "paused"
  | "stopped"
  | "failed"
  | "killed"
  | "broken";

export interface SurveyedRun {
  readonly name: string;
  /** Absolute. */
  readonly dir: string;
  readonly status: RunStatus;
  readonly manifest: Manifest | null;
  /** Of a broken run: what is wrong with it. */
  readonly trouble: string | null;
  /** Finished steps; null: no state that can be read. */
  readonly step: number | null;
  /** Who works in it. */
  readonly pid: number | null;
  /** When something was last written, in milliseconds since 1970. */
  readonly touchedAt: number;
}

/** Not by the folder itself: who reads a run may leave an index there. */
const touched = (dir: string): Effect.Effect<number> =>
  Effect.map(
    Effect.forEach(runMarks, (mark) => writtenAt(join(dir, mark))),
    (times) => Math.max(...times.map((at) => at ?? 0)),
  );

const endedAs = (last: Attempt | undefined): RunStatus =>
  last === undefined || last.exit === null ? "killed" : last.exit === 130 ? "stopped" : "failed";

/** Never fails for what is inside the folder; `dir` is one that `isRunFolder`. */
export const surveyRun = (dir: string): Effect.Effect<SurveyedRun> =>
  Effect.gen(function* () {
    const lock = yield* Effect.orElseSucceed(lockState(dir), () => ({ state: "free" }) as const);
    const read = yield* Effect.match(readManifest(dir), {
      onSuccess: (manifest) => ({ manifest, trouble: "it has no manifest (run.json)" }),
      onFailure: ({ found, file }) => ({
        manifest: null,
        trouble: `${basename(file ?? "")}: ${found}`,
      }),
    });
    const { manifest } = read;
    const status = lock.state === "alive"
      ? "running"
      : lock.state === "unknown"
      ? "elsewhere"
      : manifest === null
      ? "broken"
      : manifest.status !== "unfinished"
      ? manifest.status
      : endedAs(manifest.attempts.at(-1));
    return {
      name: basename(resolve(dir)),
      dir: resolve(dir),
      status,
      manifest,
      trouble: status === "broken" ? read.trouble : null,
      step: yield* savedStep(dir),
      pid: lock.state === "free" ? null : lock.pid,
      touchedAt: yield* touched(dir),
    };
  });

const listed = (base: string): Effect.Effect<readonly string[], Fault> =>
  foldersIn(base).pipe(
    Effect.catchIf((cause) => errnoOf(cause) === "ENOENT", () => Effect.succeed([])),
    Effect.mapError(diskFault(base, "to list the runs in this folder")),
  );

/** All runs in a base folder, by name. Folders that are no runs are left out. */
export const surveyRuns = (base: string): Effect.Effect<readonly SurveyedRun[], Fault> =>
  Effect.gen(function* () {
    const runs = yield* Effect.filter(yield* listed(base), isRunFolder);
    return yield* Effect.forEach(runs, surveyRun, { concurrency: 8 });
  });
