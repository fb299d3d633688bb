// Where a state comes from: what of `run.json` nobody could find out again, written into every state, so that
// a run whose manifest is lost or damaged goes on as itself.
// The trap: it decides the bytes that follow (seed, device, facts), so a state never goes without it.
import { Schema } from "effect";

const { Array: List, Int, Json, Literal, NullOr, Record, String: Text, Struct } = Schema;

/** @internal */
export const RunOrigin = Struct({
  format: Literal(1),
  /** The run's name, pipeline and trigger. */
  run: Text,
  pipeline: Text,
  trigger: Text,
  /** Digests of the identities that lead to the run. */
  identities: List(Text),
  seed: Int,
  device: NullOr(Text),
  /** What the app wants kept from attempt to attempt. */
  facts: Record(Text, Json),
  /** The horizon of the rate schedule where it is not max_train_steps (--extend). */
  scheduleSteps: NullOr(Int),
});
/** What of `run.json` nobody could find out again. */
export type RunOrigin = typeof RunOrigin.Type;

export const RunOriginJson = Schema.fromJsonString(RunOrigin);
