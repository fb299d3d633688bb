// What a training says of itself, beside what the runner says of every run (runtime/events.ts). Terminal,
// page, event files, report and tests read this one stream.
// The trap: what a training has come to (steps, losses, rows, checkpoints, ended validations) is said once,
// after it is on disk; which are, event-kinds.ts says.
import { Schema } from "effect";
import { eventSchema, RunnerEvent, type Unstamped } from "../runtime/events.ts";

const { Array: List, Boolean: Flag, Finite, Int, NullOr, optionalKey, String: Text } = Schema;

/** Every step counts finished optimizer steps, from 0. */
export const members = [
  eventSchema("step", {
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
  eventSchema("fixed-loss", {
    step: Int,
    loss: Finite,
    bestStep: Int,
    bestLoss: Finite,
    varianceRatio: NullOr(Finite),
    /** Measured on pictures that are not trained on; false: the best is the last. */
    heldOut: optionalKey(Flag),
    /** Where several rules of pooling are trained for: the loss under each; `loss` is their mean. */
    under: optionalKey(Schema.Record(Text, Finite)),
    /** How much higher than at the best step, item by item in the mean, with its standard error. */
    aboveBest: optionalKey(Schema.Struct({ difference: Finite, error: Finite })),
  }),
  eventSchema("rows", {
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
  eventSchema("checkpoint", { step: Int, epoch: Int, path: Text, best: Flag }),
  eventSchema("checkpoint-pruned", { step: Int, path: Text }),
  eventSchema("validation-started", { step: Int, epoch: Int, pictures: Int }),
  eventSchema("validation-picture", {
    step: Int,
    epoch: Int,
    prompt: Int,
    image: Int,
    text: Text,
    path: Text,
    width: Int,
    height: Int,
    /** Where pictures of several rules of pooling stand side by side: which this is. */
    pooling: optionalKey(Schema.Literals(["argmax", "end_token"])),
  }),
  /** `asked`: which other prompts than the configured ones (digits of their digest). */
  eventSchema("validation-finished", {
    step: Int,
    epoch: Int,
    seconds: Finite,
    asked: optionalKey(Text),
    /** How well prompts are followed under each rule of pooling: mean and standard error. */
    following: optionalKey(List(Schema.Struct({ pooling: Text, mean: Finite, error: Finite }))),
  }),
  eventSchema("validation-failed", {
    step: Int,
    epoch: Int,
    error: Text,
    asked: optionalKey(Text),
  }),
  eventSchema("chosen", { step: Int, path: Text }),
] as const;

export const RunEvent = Schema.Union([...RunnerEvent.members, ...members]);
export type RunEvent = typeof RunEvent.Type;
export type RunEventOf<Tag extends RunEvent["event"]> = Extract<RunEvent, { event: Tag }>;
export type UnstampedTrainingEvent = Unstamped<RunEvent>;
