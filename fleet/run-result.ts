// What a training came to, read from its run's folder as anybody would: losses from its events, files by
// name. The trap: what was measured at a step may not be what the best file holds; both are told.
import { readdir, readFile } from "node:fs/promises";
import { Effect } from "effect";
import type { Fault } from "../lib/fault.ts";
import { machinesDiffer } from "../lib/machines-differ.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { readManifest } from "../runtime/run-folder/manifest.ts";
import { eventsFile, isTensorResult } from "../runtime/run-folder/run-files.ts";
import { savedStep } from "../runtime/run-folder/state.ts";
import { sweepEvent } from "./run-events.ts";

export interface RunResult {
  /** Finished steps. */
  readonly step: number;
  /** The fixed-input loss at that step; null: not measured there. */
  readonly loss: number | null;
  /** That of the best file, and its step. */
  readonly best: { readonly step: number; readonly loss: number } | null;
  /** Embeddings, by name in the folder. */
  readonly files: readonly string[];
  /** How the machines that it was trained on differ, in words. */
  readonly differs?: string;
}

/** `at`: the step whose loss is wanted; null: that of the last step. */
export const readRunResult = (
  dir: string,
  at: number | null,
): Effect.Effect<RunResult, Fault> =>
  Effect.gen(function* () {
    const log = yield* tryPromise(() => readFile(eventsFile(dir), "utf8"));
    const events = log.split("\n").flatMap((line) => sweepEvent(line) ?? []);
    const step = events.reduce((last, each) => each.event === "step" ? each.step : last, 0);
    const losses = events.flatMap((each) =>
      each.event === "fixed-loss" && (at === null || each.step <= at) ? [each] : []
    );
    const last = losses.at(-1);
    const there = losses.find((each) => each.step === (at ?? step));
    const names = yield* Effect.promise(() => readdir(dir).catch((): string[] => []));
    const differs = machinesDiffer((yield* readManifest(dir))?.attempts ?? []);
    return {
      step,
      loss: there?.loss ?? null,
      best: last === undefined ? null : { step: last.bestStep, loss: last.bestLoss },
      files: names.filter(isTensorResult).toSorted(),
      ...(differs === null ? {} : { differs }),
    };
  });

/** What a run came to at a step that it has passed already, trained for something else; null: it has not. */
export const readPassed = (dir: string, at: number): Effect.Effect<RunResult | null> =>
  Effect.gen(function* () {
    return ((yield* savedStep(dir)) ?? 0) <= at ? null : yield* readRunResult(dir, at);
  }).pipe(Effect.orElseSucceed(() => null));
