// checkpoint: the rows of each due step as a file that every client loads, the final file named by its
// trigger, and the best one. Runs beside the training. Whatever is damaged or missing is written again
// from the snapshots, without training.
// The trap: the best step may not be among the saved ones, so the best rows have a file of their own.
import { Effect, Stream } from "effect";
import { snapshots } from "../../inversion/artefacts/snapshots.ts";
import { type Validation, validations } from "../../inversion/artefacts/validations.ts";
import { optional } from "../../runtime/artefact.ts";
import { defineStage } from "../../runtime/stage.ts";
import { CheckpointOptions, openCheckpointWriter } from "./checkpoint-writer.ts";
import { damaged, readRecords } from "./record.ts";

export const checkpoint = defineStage({
  name: "checkpoint",
  version: 1,
  summary: "Writes checkpoints, the best and the final embedding",
  options: CheckpointOptions,
  reads: { snapshots, validations: optional(validations) },
  writes: {},
  lifetime: "run",
  continueOnError: true,

  remainingWork: (_options, { runDir }) =>
    Effect.gen(function* () {
      const records = yield* readRecords(runDir);
      const bad = yield* damaged(runDir, records);
      if (bad.length > 0) return { why: `${bad.join(", ")} missing or damaged` };
      return records.complete ? null : { why: "not all checkpoints are written" };
    }),

  run: ({ options, inputs, tools }) =>
    Effect.gen(function* () {
      const writer = yield* openCheckpointWriter(options, tools);
      const none: Stream.Stream<Validation> = Stream.empty;
      const both = Stream.merge(
        Stream.map(inputs.snapshots, (snapshot) => writer.snapshot(snapshot)),
        Stream.map(inputs.validations ?? none, ({ step }) => writer.validated(step)),
      );
      yield* Stream.runForEach(both, (work) => work);
      yield* writer.finish;
      return {};
    }),
});

export default checkpoint;
