// The gradient of one optimizer step: micro-batches drawn, computed and summed.
// The trap: as accelerate does, every micro-batch is divided by `gradient_accumulation_steps`, also where
// an epoch's end leaves fewer of them.
import { Effect } from "effect";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import type { Engine } from "../../engine/engine.ts";
import { type Fault, fault } from "../../engine/fault.ts";
import { pullStd } from "../../engine/optimise/std-pull.ts";
import { asFault } from "../../runtime/as-fault.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { batchOf } from "./batch.ts";
import type { MicroBatch } from "./course.ts";
import { type Drawing, drawItems } from "./draw-items.ts";
import type { EncoderPair } from "./training-state.ts";

export class NonFiniteGradient extends fault("NonFiniteGradient", "world") {}

export interface StepGradient {
  readonly loss: number;
  readonly gradients: EncoderPair;
  /** As they came in, or pulled between micro-batches (the reference's cadence). */
  readonly rows: EncoderPair;
}

export interface GradientTools {
  readonly engine: Engine;
  readonly drawing: Drawing;
  readonly objective: ObjectiveOptions;
  readonly accumulation: number;
  /** Spreads of the vocabularies where rows are pulled after every micro-batch, else null. */
  readonly pullBetween: readonly [number, number] | null;
  readonly tools: Pick<StageTools, "withResource">;
}

export const stepGradient = (
  micros: readonly MicroBatch[],
  start: EncoderPair,
  { engine, drawing, objective, accumulation, pullBetween, tools }: GradientTools,
): Effect.Effect<StepGradient, Fault> =>
  Effect.gen(function* () {
    let rows = start;
    let loss = 0;
    const gradients = [new Float64Array(rows[0].length), new Float64Array(rows[1].length)] as const;
    for (const [i, micro] of micros.entries()) {
      const items = yield* drawItems(micro, drawing);
      const batch = {
        ...batchOf(items, engine.model.configs.vae, objective),
        rows1: rows[0],
        rows2: rows[1],
      };
      const result = yield* tools.withResource(
        "device",
        Effect.tryPromise({ try: () => engine.trainStep(batch), catch: asFault }),
      );
      if (![result.loss, ...result.grad1, ...result.grad2].every(Number.isFinite)) {
        return yield* Effect.fail(notFinite(micro, items.map(({ tokens }) => tokens.text)));
      }
      loss += result.loss / accumulation;
      [result.grad1, result.grad2].forEach((gradient, encoder) =>
        gradient.forEach((value, k) => gradients[encoder][k] += value / accumulation)
      );
      if (pullBetween !== null && i < micros.length - 1) {
        rows = [pullStd(rows[0], pullBetween[0]), pullStd(rows[1], pullBetween[1])];
      }
    }
    return { loss, gradients, rows };
  });

const notFinite = ({ micro, epoch }: MicroBatch, captions: readonly string[]) =>
  new NonFiniteGradient({
    wanted: `a finite loss and gradient of batch ${micro} (epoch ${epoch}: ${captions.join("; ")})`,
    found: "values that are not numbers",
    fix:
      "The state before this step is kept. Try a lower learning rate, `weight_dtype: float32`, " +
      "or another provider; `probe` tells whether this device computes right.",
  });
