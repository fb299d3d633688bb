// What validate says when it has dealt with a step: pictures made, or failed for good. A stream; the
// checkpoint stage waits for it before it prunes.
import { Schema } from "effect";
import { stream } from "../../runtime/artefact.ts";

export const Validation = Schema.Struct({
  step: Schema.Int,
  epoch: Schema.Int,
  outcome: Schema.Literals(["done", "failed"]),
});
export type Validation = typeof Validation.Type;

export const validations = stream("validations", Validation);
