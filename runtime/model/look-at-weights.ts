// What is known of weight files (engine/weights/weight-file.ts), for stages that are asked side by side:
// they take turns, so that the second finds what the first has just read.
import { Effect, Semaphore } from "effect";
import type { Fault } from "../../engine/fault.ts";
import type { FileContent } from "../../engine/weights/read-through.ts";
import { lookAt } from "../../engine/weights/weight-file.ts";
import type { WeightTable } from "../../engine/weights/weight-view.ts";
import { asFault } from "../as-fault.ts";

const turn = Semaphore.makeUnsafe(1);

/** By file, in the order of the tables. */
export const lookAtWeights = (
  tables: readonly WeightTable[],
): Effect.Effect<ReadonlyMap<string, FileContent>, Fault> => {
  const files = new Set(tables.flatMap((table) => [...table.values()].map(({ file }) => file)));
  const look = (file: string) =>
    Effect.tryPromise({
      try: async (signal) => [file, await lookAt(file, signal)] as const,
      catch: asFault,
    });
  return Effect.forEach(files, look).pipe(
    Effect.map((looked) => new Map(looked)),
    Semaphore.withPermit(turn),
  );
};
