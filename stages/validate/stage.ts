// validate: pictures of the configured prompts from the rows of each due step, as the reference makes
// them (DDPM, 30 steps, guidance 5, noise drawn anew for each prompt). Runs beside the training.
// The trap: a failed validation is reported and recorded, and neither ends the training nor is due again.
// What the world kept from being made (the disk, the device) is due again.
import { join } from "node:path";
import { Cause, Effect, Stream } from "effect";
import { samplers } from "../../engine/diffusion/samplers/samplers.ts";
import { type Snapshot, snapshots } from "../../inversion/artefacts/snapshots.ts";
import { validations } from "../../inversion/artefacts/validations.ts";
import { modelPreflight } from "../../inversion/model/model-preflight.ts";
import { schedulerOf } from "../../inversion/model/open-engine.ts";
import { asFault } from "../../lib/as-fault.ts";
import { makeFolder } from "../../lib/atomic-write.ts";
import { NotWritable } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import type { UnstampedTrainingEvent } from "../../inversion/events.ts";
import { withoutFolders } from "../../lib/without-folders.ts";
import { defineStage } from "../../runtime/stage.ts";
import { askedOf, folderOf } from "./asked-prompts.ts";
import { ValidateOptions } from "./options.ts";
import { validationPictures } from "./validation-pictures.ts";
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
            validationPictures(validationSampler, options, snapshot, tools),
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
