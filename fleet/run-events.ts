// The few events of a run that a sweep reads, from the lines of its log or of a child's standard output.
// The trap: it knows their fields and not their app; a line that is none of them is passed over.
import { Result, Schema } from "effect";
import { eventSchema } from "../runtime/events.ts";

const { Finite, Int, String: Text } = Schema;

const SweepEvent = Schema.Union([
  eventSchema("run-started", { run: Text, step: Int }),
  eventSchema("run-failed", { step: Int, error: Text }),
  eventSchema("step", { step: Int }),
  eventSchema("checkpoint", { step: Int }),
  eventSchema("validation-finished", { step: Int }),
  eventSchema("fixed-loss", { step: Int, loss: Finite, bestStep: Int, bestLoss: Finite }),
]);
export type SweepEvent = typeof SweepEvent.Type;

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(SweepEvent));

/** Undefined: another event, or none. */
export const sweepEvent = (line: string): SweepEvent | undefined =>
  Result.getOrElse(decode(line), () => undefined);
