// Everything that anyone sees of a run: a tagged union, one JSON line each in `events.jsonl`. The
// terminal, the page, the event files, the report and the tests all read this one stream.
// The trap: what a run has come to (steps, losses, rows, checkpoints, ended validations) is said after it is
// on disk, and on resume what is on disk fills a gap: a reader may rely on each being there exactly once.
// What a run is at (stages, progress, pictures being made) is said again by each attempt.
import { Schema } from "effect";

const { Array: List, Boolean: Flag, Finite, Int, NullOr, optionalKey, String: Text } = Schema;

const event = <const Tag extends string, const F extends Schema.Struct.Fields>(
  tag: Tag,
  fields: F,
) => Schema.Struct({ event: Schema.tag(tag), at: Finite, ...fields });

/** `at` is milliseconds since 1970; every step counts finished optimizer steps, from 0. */
export const RunEvent = Schema.Union([
  event("run-started", {
    run: Text,
    trigger: Text,
    attempt: Int,
    step: Int,
    totalSteps: Int,
    device: Text,
    versions: Schema.Record(Text, Text),
  }),
  event("plan", {
    stages: List(Schema.Struct({ stage: Text, cached: Flag, why: Text })),
  }),
  event("stage-started", { stage: Text }),
  event("stage-progress", { stage: Text, done: Finite, total: Finite, unit: Text }),
  event("stage-retried", { stage: Text, attempt: Int, error: Text, delaySeconds: Finite }),
  event("stage-finished", { stage: Text, cached: Flag, seconds: Finite }),
  /** `goesOn`: the other stages do; else the run fails with it. */
  event("stage-failed", { stage: Text, error: Text, goesOn: optionalKey(Flag) }),
  event("step", {
    step: Int,
    epoch: Int,
    loss: Finite,
    lr: Finite,
    dLr: optionalKey(Finite),
    gradientNorm: Finite,
    gradientShare: Schema.Tuple([Finite, Finite]),
    seconds: Finite,
    rssBytes: Finite,
  }),
  event("fixed-loss", {
    step: Int,
    loss: Finite,
    bestStep: Int,
    bestLoss: Finite,
    varianceRatio: NullOr(Finite),
    /** Measured on pictures that are not trained on; false: the best is the last. */
    heldOut: optionalKey(Flag),
    /** How much higher than at the best step, item by item in the mean, with its standard error. */
    aboveBest: optionalKey(Schema.Struct({ difference: Finite, error: Finite })),
  }),
  event("rows", {
    step: Int,
    /** Per encoder (clip_l, clip_g): norms of the rows, cosine to the initial rows, nearest words. */
    encoders: List(Schema.Struct({
      name: Text,
      norms: List(Finite),
      cosines: List(Finite),
      vocabularyNorms: Schema.Tuple([Finite, Finite, Finite]), // 5 %, median, 95 %
      nearest: List(List(Schema.Tuple([Text, Finite]))),
    })),
  }),
  event("checkpoint", { step: Int, epoch: Int, path: Text, best: Flag }),
  event("checkpoint-pruned", { step: Int, path: Text }),
  event("validation-started", { step: Int, epoch: Int, pictures: Int }),
  event("validation-picture", {
    step: Int,
    epoch: Int,
    prompt: Int,
    image: Int,
    text: Text,
    path: Text,
    width: Int,
    height: Int,
  }),
  /** `asked`: which other prompts than the configured ones (digits of their digest). */
  event("validation-finished", {
    step: Int,
    epoch: Int,
    seconds: Finite,
    asked: optionalKey(Text),
  }),
  event("validation-failed", { step: Int, epoch: Int, error: Text, asked: optionalKey(Text) }),
  event("chosen", { step: Int, path: Text }),
  event("note", { text: Text }),
  event("warning", { text: Text }),
  event("run-finished", { step: Int, seconds: Finite, files: List(Text), early: Flag }),
  event("run-stopped", { step: Int, reason: Text }),
  event("run-paused", { step: Int }),
  event("run-failed", { step: Int, error: Text }),
]);
export type RunEvent = typeof RunEvent.Type;
export type RunEventOf<Tag extends RunEvent["event"]> = Extract<RunEvent, { event: Tag }>;

/** An event as stages emit it; the log stamps it. */
export type UnstampedEvent = RunEvent extends infer E
  ? E extends RunEvent ? Omit<E, "at"> & { readonly at?: number } : never
  : never;
