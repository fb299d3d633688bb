// What a training up to a step came to: always a value. It is what workers answer with, what decisions read
// and what `sweep show` prints. The trap: an exit or a cause must never be recorded in its place: a workflow
// that is answered by an interrupt replays for ever.
import { Schema } from "effect";

const { Array: List, Finite, Int, Literal, NullOr, String: Text, Struct } = Schema;

const Reached = {
  /** Finished steps. */
  step: Int,
  /** The loss that was measured at that step; null: none was. */
  loss: NullOr(Finite),
  best: NullOr(Struct({ step: Int, loss: Finite })),
  seconds: Finite,
  machine: Text,
  /** How the machines of the run differ, in words; none: they do not. */
  differs: Schema.optionalKey(Text),
};

export const SegmentOutcome = Schema.Union([
  Struct({ outcome: Literal("done"), ...Reached, files: List(Text) }),
  Struct({ outcome: Literal("paused"), ...Reached }),
  Struct({
    outcome: Literal("failed"),
    step: Int,
    exit: NullOr(Int),
    message: Text,
    machine: Text,
  }),
  /** Took its worker down again and again. */
  Struct({ outcome: Literal("poisoned"), step: Int, message: Text, machine: Text }),
  Struct({ outcome: Literal("cancelled"), step: Int }),
  /** Not begun: the budget is spent, or too many others failed. */
  Struct({ outcome: Literal("skipped"), why: Text }),
]);
export type SegmentOutcome = typeof SegmentOutcome.Type;

export const SegmentOutcomeJson = Schema.fromJsonString(SegmentOutcome);

export type ReachedOutcome = Extract<SegmentOutcome, { outcome: "done" | "paused" }>;

/** It reached its step, so nothing is to be done for it again. */
export const isReached = (outcome: SegmentOutcome): outcome is ReachedOutcome =>
  outcome.outcome === "done" || outcome.outcome === "paused";

/** What the user has to change: trying again, here or elsewhere, would fail again. */
export const isUserFault = (outcome: SegmentOutcome): boolean =>
  outcome.outcome === "failed" && outcome.exit === 2;
