// validate: pictures of the configured prompts from the rows of each due step, as the reference makes
// them (DDPM, 30 steps, guidance 5, noise drawn anew for each prompt). Runs beside the training.
// The trap: a failed validation is reported and recorded, and neither ends the training nor is due again.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Cause, Effect, Stream } from "effect";
import { type Snapshot, snapshots } from "../../runtime/artefacts/snapshots.ts";
import { stepName } from "../../runtime/artefacts/step-name.ts";
import { validations } from "../../runtime/artefacts/validations.ts";
import { atomicWrite } from "../../runtime/store/atomic-write.ts";
import { sha256 } from "../../runtime/store/sha256.ts";
import { jpeg } from "../../runtime/model/picture-file.ts";
import { defineStage, type StageTools } from "../../runtime/stage.ts";
import { ValidateOptions } from "./options.ts";
import { openStudio, type Studio } from "./studio.ts";
import { recordedOutcome, writeRecord } from "./validation-record.ts";
import { tryPromise } from "../../runtime/try-promise.ts";

export const validate = defineStage({
  name: "validate",
  version: 1,
  summary: "Makes pictures of the validation prompts at each due step",
  options: ValidateOptions,
  reads: { snapshots },
  writes: { validations },
  lifetime: "run",
  supervised: true,

  run: ({ options, inputs, outlets, tools }) =>
    Effect.scoped(Effect.gen(function* () {
      let studio: Studio | undefined;
      const one = (snapshot: Snapshot) =>
        Effect.gen(function* () {
          const { step, epoch } = snapshot;
          const folder = folderOf(snapshot);
          const outcome = recordedOutcome(join(tools.runDir, folder));
          if (outcome === undefined) {
            const started = performance.now();
            studio ??= yield* openStudio(options, tools);
            yield* studio.session(pictures(studio, options, snapshot, folder, tools));
            const seconds = (performance.now() - started) / 1000;
            yield* tools.emit({ event: "validation-finished", step, epoch, seconds });
          }
          yield* outlets.validations({ step, epoch, outcome: outcome ?? "done" });
        }).pipe(
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.failCause(cause)
              : failed(snapshot, String(Cause.squash(cause)), tools).pipe(
                Effect.andThen(outlets.validations({
                  step: snapshot.step,
                  epoch: snapshot.epoch,
                  outcome: "failed",
                })),
              )
          ),
        );
      const due = Stream.filter(inputs.snapshots, (snapshot) => snapshot.validate !== null);
      yield* Stream.runForEach(due, one);
      return {};
    })),
});

export default validate;

/** Pictures of other prompts than the configured ones get a folder of their own. */
function folderOf({ step, epoch, validate }: Snapshot): string {
  const name = `validation/${stepName(epoch, step)}`;
  const asked = validate?.prompts ?? null;
  return asked === null ? name : `${name}-${sha256(JSON.stringify(asked)).slice(0, 8)}`;
}

const pictures = (
  studio: Studio,
  options: ValidateOptions,
  snapshot: Snapshot,
  folder: string,
  tools: StageTools,
) =>
  Effect.gen(function* () {
    const { step, epoch } = snapshot;
    const asked = snapshot.validate?.prompts ?? null;
    const prompts = asked ?? options.validation_prompts;
    const images = options.num_validation_images_per_prompt;
    const total = prompts.length * images;
    yield* tools.emit({ event: "validation-started", step, epoch, pictures: total });
    const rows = yield* tools.get(snapshot.rows.blob);
    for (const [prompt, text] of prompts.entries()) {
      const name = `${folder}/prompt_${String(prompt).padStart(4, "0")}`;
      yield* tryPromise(() => mkdir(join(tools.runDir, name), { recursive: true }));
      for (let image = 0; image < images; image++) {
        const negative = asked === null
          ? options.negative_validation_prompts?.[prompt] ?? null
          : null;
        const drawn = yield* studio.draw({ rows, of: snapshot.rows, text, negative, image });
        const path = `${name}/${String(image).padStart(4, "0")}.jpg`;
        const bytes = yield* tryPromise(() => jpeg(drawn));
        yield* atomicWrite(join(tools.runDir, path), bytes, { what: "a validation picture" });
        const [, , height, width] = drawn.dims;
        yield* tools.emit({
          event: "validation-picture",
          step,
          epoch,
          prompt,
          image,
          text,
          path,
          width,
          height,
        });
        yield* tools.progress(prompt * images + image + 1, total, "pictures");
      }
    }
    yield* writeRecord(join(tools.runDir, folder), { step, epoch, outcome: "done", prompts });
  });

const failed = (snapshot: Snapshot, error: string, tools: StageTools) =>
  Effect.gen(function* () {
    const { step, epoch } = snapshot;
    yield* tools.emit({ event: "validation-failed", step, epoch, error });
    const folder = join(tools.runDir, folderOf(snapshot));
    const prompts = snapshot.validate?.prompts ?? [];
    yield* Effect.ignore(Effect.andThen(
      tryPromise(() => mkdir(folder, { recursive: true })),
      writeRecord(folder, { step, epoch, outcome: "failed", prompts, error }),
    ));
  });
