// What a training may be asked for while it runs, beside stopping: by `runs save`, `runs validate`,
// `runs choose` and the page.
import { type Effect, Schema } from "effect";
import type { StageTools } from "../runtime/stage.ts";

const request = <const Tag extends string, const F extends Schema.Struct.Fields>(
  tag: Tag,
  fields: F,
) => Schema.Struct({ request: Schema.tag(tag), ...fields });

export const TrainingRequest = Schema.Union([
  /** Write a checkpoint of this step. */
  request("save", {}),
  /** Validate this step; `prompts` replaces the configured ones for this once. */
  request("validate", { prompts: Schema.optionalKey(Schema.Array(Schema.String)) }),
  /** Mark the checkpoint of a step as the chosen one. */
  request("choose", { step: Schema.Int }),
]);
export type TrainingRequest = typeof TrainingRequest.Type;

/** With the runner's own. */
export const ControlRequest = Schema.Union([request("stop", {}), ...TrainingRequest.members]);
export type ControlRequest = typeof ControlRequest.Type;

/** What a stage was asked for since the last call; the runner passes on only what has this form. */
export const trainingRequests = (
  tools: Pick<StageTools, "requests">,
): Effect.Effect<readonly TrainingRequest[]> =>
  tools.requests() as Effect.Effect<readonly TrainingRequest[]>;
