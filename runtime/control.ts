// How a running training is steered from outside: one file in its run folder to which `runs stop`,
// `runs save`, `runs validate` and the page append a line, and which the training polls each step.
// The trap: a request is for the process that runs now; what was asked of an earlier one is skipped.
import { Schema } from "effect";

const request = <const Tag extends string, const F extends Schema.Struct.Fields>(
  tag: Tag,
  fields: F,
) => Schema.Struct({ request: Schema.tag(tag), ...fields });

export const ControlRequest = Schema.Union([
  /** End after the step that runs now. The runner itself turns it into `stopRequested`. */
  request("stop", {}),
  /** Write a checkpoint of this step. */
  request("save", {}),
  /** Validate this step; `prompts` replaces the configured ones for this once. */
  request("validate", { prompts: Schema.optionalKey(Schema.Array(Schema.String)) }),
  /** Mark the checkpoint of a step as the chosen one. */
  request("choose", { step: Schema.Int }),
]);
export type ControlRequest = typeof ControlRequest.Type;
