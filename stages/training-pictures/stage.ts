// training-pictures: small copies of what is trained on, in the run's own folder, so that the page and the
// report can show them beside the validation pictures. Nothing else reads them.
import { Effect, Schema } from "effect";
import { examples } from "../../inversion/artefacts/examples.ts";
import { areKept, keepTrainingPictures } from "../../inversion/training-pictures.ts";
import { defineStage } from "../../runtime/stage.ts";

export const trainingPictures = defineStage({
  name: "training-pictures",
  version: 1,
  summary: "Keeps small copies of the training pictures for the page and the report",
  options: Schema.Struct({}),
  reads: { examples },
  writes: {},
  lifetime: "run",
  continueOnError: true,

  remainingWork: (_options, { runDir }) =>
    Effect.map(
      areKept(runDir),
      (kept) => kept ? null : { why: "the training pictures are not copied" },
    ),

  run: ({ inputs, tools }) =>
    keepTrainingPictures(
      tools.runDir,
      inputs.examples.train.map(({ id, digest, caption, views: [{ size, pixels }] }) => ({
        name: id,
        digest,
        caption,
        width: size[1],
        height: size[0],
        rgb: tools.get(pixels),
      })),
    ).pipe(Effect.as({})),
});

export default trainingPictures;
