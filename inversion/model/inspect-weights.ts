// What is known of weight files (engine/weights/weight-file.ts), for stages that are asked side by side:
// they take turns, so that the second finds what the first has just read.
import { Effect, Semaphore } from "effect";
import type { FileContent } from "../../engine/weights/read-through.ts";
import { inspectFile } from "../../engine/weights/weight-file.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryWithProgress } from "../../lib/try-promise.ts";
import type { InputTools } from "../../runtime/stage.ts";

const turn = Semaphore.makeUnsafe(1);

/** By file, in the order given; each once. */
export const inspectWeights = (
  files: readonly string[],
  progress: InputTools["progress"],
): Effect.Effect<ReadonlyMap<string, FileContent>, Fault> => {
  const look = (file: string) =>
    tryWithProgress(
      (done, total) => progress(done, total, "bytes of weights read"),
      async (report, signal) => [file, await inspectFile(file, signal, report)] as const,
    );
  return Effect.forEach(new Set(files), look).pipe(
    Effect.map((looked) => new Map(looked)),
    Semaphore.withPermit(turn),
  );
};
