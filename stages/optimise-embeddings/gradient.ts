// The gradient of one optimizer step: micro-batches drawn, computed and summed. While one is computed the
// graph of the next one's bucket is made ready.
// The trap: what is not finite must end the step before it reaches rows or moments.
import { Effect } from "effect";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import {
  addGradients,
  betweenBatches,
  noGradient,
  type StepRules,
} from "../../engine/optimise/optimizer-step.ts";
import type { OptimizerState } from "../../engine/optimise/optimizer.ts";
import type { Rows } from "../../engine/optimise/rows.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import type { MicroBatch } from "./batch-plan.ts";
import { batchOf, type Drawing, drawItems } from "./batches.ts";

export class NonFiniteGradient extends fault("NonFiniteGradient", "world") {}

export interface StepGradient {
  readonly loss: number;
  readonly gradients: Rows;
  /** As it came in, or with rows pulled between micro-batches (the reference's cadence). */
  readonly state: OptimizerState;
}

export interface GradientTools {
  readonly engine: Engine;
  readonly drawing: Drawing;
  readonly objective: ObjectiveOptions;
  readonly accumulation: number;
  readonly rules: StepRules;
  readonly tools: Pick<StageTools, "withResource">;
}

/** `next` is the first micro-batch of the step after this one, if there is one. */
export const stepGradient = (
  micros: readonly MicroBatch[],
  next: MicroBatch | undefined,
  start: OptimizerState,
  { engine, drawing, objective, accumulation, rules, tools }: GradientTools,
): Effect.Effect<StepGradient, Fault> =>
  Effect.gen(function* () {
    let state = start;
    let loss = 0;
    let gradients = noGradient(start.rows);
    for (const [i, micro] of micros.entries()) {
      const items = yield* drawItems(micro, drawing);
      const batch = {
        ...batchOf(items, engine.model.configs.vae, objective),
        rows1: state.rows[0],
        rows2: state.rows[1],
      };
      const following = micros[i + 1] ?? next;
      const size = following && sizeOf(following, drawing);
      const result = yield* tools.withResource(
        "device",
        tryPromise(() => engine.trainStep(batch, size)),
      );
      if (![result.loss, ...result.grad1, ...result.grad2].every(Number.isFinite)) {
        return yield* Effect.fail(notFinite(micro, items.map(({ tokens }) => tokens.text)));
      }
      loss += result.loss / accumulation;
      gradients = addGradients(gradients, [result.grad1, result.grad2], accumulation);
      if (i < micros.length - 1) state = betweenBatches(state, rules);
    }
    return { loss, gradients, state };
  });

/** Of its latents; all of a batch have the same. */
function sizeOf({ examples }: MicroBatch, { pictures }: Drawing) {
  const [height, width] = pictures.outline.train[examples[0]].views[0].size;
  return { batch: examples.length, height, width };
}

const notFinite = ({ micro, epoch }: MicroBatch, captions: readonly string[]) =>
  new NonFiniteGradient({
    wanted: `a finite loss and gradient of batch ${micro} (epoch ${epoch}: ${captions.join("; ")})`,
    found: "values that are not numbers",
    fix:
      "The state before this step is kept. Try a lower learning rate, `weight_dtype: float32`, " +
      "or another provider; `probe` tells whether this device computes right.",
  });
