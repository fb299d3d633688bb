// validate: pictures of the configured prompts from the rows of each due step, as the reference makes
// them (DDPM, 30 steps, guidance 5, noise drawn anew for each prompt). Runs beside the training.
// The trap: a failed validation is reported and recorded, and neither ends the training nor is due again.
// What the world kept from being made (the disk, the device) is due again.
import { join } from "node:path";
import { Cause, Effect, Stream } from "effect";
import { followedWord } from "../../config/validation.ts";
import { samplers } from "../../engine/diffusion/samplers/samplers.ts";
import { type Snapshot, snapshots, stepName } from "../../inversion/artefacts/snapshots.ts";
import { validations } from "../../inversion/artefacts/validations.ts";
import { modelPreflight } from "../../inversion/model/model-preflight.ts";
import { schedulerOf } from "../../inversion/model/open-engine.ts";
import { jpeg } from "../../inversion/model/picture-file.ts";
import { poolingNames } from "../../inversion/model/pooling.ts";
import { snapshotRows } from "../../inversion/snapshot-rows.ts";
import { asFault } from "../../lib/as-fault.ts";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { NotWritable } from "../../lib/disk-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { sha256 } from "../../lib/sha256.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { UnstampedTrainingEvent } from "../../inversion/events.ts";
import { withoutFolders } from "../../lib/without-folders.ts";
import { defineStage, type StageTools } from "../../runtime/stage.ts";
import { ValidateOptions } from "./options.ts";
import { followingPictures, measureFollowing } from "./prompt-following.ts";
import { readRecord, type ValidationRecord, writeRecord } from "./validation-record.ts";
import { openValidationSampler, type ValidationSampler } from "./validation-sampler.ts";

export const validate = defineStage({
  name: "validate",
  version: 1,
  summary: "Makes pictures of the validation prompts at each due step",
  options: ValidateOptions,
  reads: { snapshots },
  writes: { validations },
  lifetime: "run",
  continueOnError: true,

  preflight: (options) =>
    modelPreflight(options, (model) => {
      const { validation_prompts: prompts, validation_sampler: name } = options;
      if (prompts.length > 0) samplers[name](schedulerOf(model, options), options.validation_steps);
    }),

  run: ({ options, inputs, writers, tools }) =>
    Effect.scoped(Effect.gen(function* () {
      let validationSampler: ValidationSampler | undefined;
      const make = (snapshot: Snapshot) =>
        Effect.gen(function* () {
          validationSampler ??= yield* openValidationSampler(options, tools);
          return yield* validationSampler.session(
            pictures(validationSampler, options, snapshot, tools),
          );
        });
      const one = (snapshot: Snapshot) =>
        Effect.gen(function* () {
          const folder = join(tools.runDir, folderOf(snapshot));
          const record = (yield* readRecord(folder)) ??
            (yield* dealtWith(snapshot, folder, tools.runDir, make(snapshot)));
          yield* tools.emit(endOf(record, snapshot));
          const { step, epoch, outcome } = record;
          yield* writers.validations({ step, epoch, outcome });
        });
      const due = Stream.filter(inputs.snapshots, (snapshot) => snapshot.validate !== null);
      yield* Stream.runForEach(due, one);
      return {};
    })),
});

export default validate;

/** Digits of the prompts' digest, where they are others than the configured ones. */
const askedOf = ({ validate }: Snapshot): { readonly asked?: string } => {
  const prompts = validate?.prompts ?? null;
  return prompts === null ? {} : { asked: sha256(JSON.stringify(prompts)).slice(0, 8) };
};

/** Pictures of other prompts than the configured ones get a folder of their own. */
function folderOf(snapshot: Snapshot): string {
  const { asked } = askedOf(snapshot);
  const name = `validation/${stepName(snapshot.epoch, snapshot.step)}`;
  return asked === undefined ? name : `${name}-${asked}`;
}

/** Makes the pictures and records how that went, which is tried once. */
const dealtWith = <R>(
  { step, epoch, validate }: Snapshot,
  folder: string,
  runDir: string,
  make: Effect.Effect<Pick<ValidationRecord, "prompts" | "following">, Fault, R>,
): Effect.Effect<ValidationRecord, Fault, R> =>
  Effect.gen(function* () {
    const started = performance.now();
    const made = yield* make;
    const seconds = (performance.now() - started) / 1000;
    const record = { step, epoch, outcome: "done", ...made, seconds } as const;
    yield* writeRecord(folder, record);
    return record;
  }).pipe(Effect.catchCause((cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause);
    const fault = asFault(Cause.squash(cause));
    if (fault.kind === "world" || fault instanceof NotWritable) return Effect.fail(fault);
    // Records are shown to others, so they name no folder of this machine.
    const error = withoutFolders(fault.message.split("\n")[0], [runDir]);
    const record = {
      step,
      epoch,
      outcome: "failed",
      prompts: validate?.prompts ?? [],
      error,
    } as const;
    return makeFolder(folder).pipe(Effect.andThen(writeRecord(folder, record)), Effect.as(record));
  }));

/** What is said of a validation that has been dealt with. */
const endOf = (
  { step, epoch, outcome, seconds = 0, error = "", following }: ValidationRecord,
  snapshot: Snapshot,
): UnstampedTrainingEvent =>
  outcome === "done"
    ? {
      event: "validation-finished",
      step,
      epoch,
      seconds,
      ...askedOf(snapshot),
      ...(following === undefined ? {} : { following }),
    }
    : { event: "validation-failed", step, epoch, error, ...askedOf(snapshot) };

class LostRows extends fault("LostRows", "user") {}

const lostRows = (step: number) =>
  new LostRows({
    wanted: `the rows of step ${step}`,
    found: "no file of the run that has them",
    fix: "Its pictures are left out.",
  });

/** Makes them; the prompts that they are of, and how well such are followed, where that is asked for. */
const pictures = (
  validationSampler: ValidationSampler,
  options: ValidateOptions,
  snapshot: Snapshot,
  tools: StageTools,
) =>
  Effect.gen(function* () {
    const { step, epoch } = snapshot;
    const folder = folderOf(snapshot);
    const asked = snapshot.validate?.prompts ?? null;
    const prompts = asked ?? options.validation_prompts;
    const { poolings } = validationSampler;
    // Pictures of one noise stand side by side, one for each rule of pooling.
    const images = options.num_validation_images_per_prompt * poolings.length;
    const total = prompts.length * images;
    yield* tools.emit({ event: "validation-started", step, epoch, pictures: total });
    const rows = yield* snapshotRows(tools, snapshot.rows);
    if (rows === null) return yield* lostRows(step);
    for (const [prompt, text] of prompts.entries()) {
      const name = `${folder}/prompt_${String(prompt).padStart(4, "0")}`;
      yield* makeFolder(join(tools.runDir, name));
      for (let image = 0; image < images; image++) {
        const negative = asked === null
          ? options.negative_validation_prompts?.[prompt] ?? null
          : null;
        const pooling = poolings[image % poolings.length];
        const drawn = yield* validationSampler.draw({
          rows,
          of: snapshot.rows,
          text,
          negative,
          image: Math.floor(image / poolings.length),
          pooling,
        });
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
          ...(poolings.length > 1 ? { pooling } : {}),
        });
        yield* tools.progress(prompt * images + image + 1, total, "pictures");
      }
    }
    const word = followedWord(options);
    if (!options.prompt_following || !snapshot.last || word === null) return { prompts };
    let done = 0;
    const measured = { word, placeholder: options.placeholder_token, poolings: poolingNames };
    const following = yield* measureFollowing(measured, ({ text, image, pooling }) =>
      validationSampler.drawLatents({
        rows,
        of: snapshot.rows,
        text,
        negative: null,
        image,
        pooling,
      }).pipe(Effect.tap(() =>
        tools.progress(++done, followingPictures, "pictures")
      )));
    return { prompts, following };
  });
