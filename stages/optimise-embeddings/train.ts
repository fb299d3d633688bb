// The training loop: step by step from a state to the next, each step on disk before anyone hears of it.
// The trap: whatever a step decides must follow from the state, the configuration and the seed alone; and what is
// not finite must end it before it reaches rows or moments.
import { Effect } from "effect";
import { averageRows } from "../../engine/optimise/averaged-rows.ts";
import {
  addGradients,
  betweenBatches,
  noGradient,
  optimizerStep,
} from "../../engine/optimise/optimizer-step.ts";
import { type OptimizerState, stepSizeFound } from "../../engine/optimise/optimizer.ts";
import type { Rows } from "../../engine/optimise/rows.ts";
import { type Fault, paused, stopped } from "../../lib/fault.ts";
import type { RunEvent } from "../../inversion/events.ts";
import { trainingRequests } from "../../inversion/requests.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { BatchPlan, MicroBatch } from "./batch-plan.ts";
import { batchOf, type Drawing, drawItems } from "./batches.ts";
import { diverged } from "./diverged.ts";
import { evaluateWhereDue, owesStart, sayLoss } from "./evaluate.ts";
import { stuckStepSize } from "./preflight-warnings.ts";
import type { GradientTools, Training } from "./training.ts";
import { type EncoderPair, rowsOf, save, type TrainingState } from "./training-state.ts";

export const isFinished = (state: TrainingState, batchPlan: BatchPlan): boolean =>
  state.early || state.step >= batchPlan.totalSteps;

/** Goes on from `state` to the last step. Fails with `Stopped` when asked to stop. */
export const train = (
  training: Training,
  state: TrainingState,
): Effect.Effect<TrainingState, Fault> =>
  Effect.gen(function* () {
    const { batchPlan, publisher, tools } = training;
    let current = state;
    yield* tools.progress(current.step, batchPlan.totalSteps, "steps");
    if (owesStart(training, current)) {
      current = yield* evaluateWhereDue(training, current);
      yield* save(tools, current);
    }
    yield* tell(training, current);
    while (!isFinished(current, batchPlan)) {
      if (tools.stopRequested()) return yield* Effect.fail(stopped(current.step));
      if (tools.run.toStep !== null && current.step >= tools.run.toStep) {
        yield* sayLoss(training, current);
        return yield* Effect.fail(paused(current.step));
      }
      const stepped = yield* oneStep(training, current);
      if (owesStart(training, stepped)) {
        // That the first step went well is heard before anything is measured.
        yield* save(tools, stepped);
        yield* say(training, stepped);
      }
      current = yield* evaluateWhereDue(training, stepped);
      yield* save(tools, current);
      yield* tell(training, current);
      yield* publisher.asked(current, yield* trainingRequests(tools));
      yield* tools.progress(current.step, batchPlan.totalSteps, "steps");
    }
    return current;
  });

const say = ({ tools }: Training, { events }: TrainingState) =>
  Effect.forEach(events, tools.emit, { discard: true });

/** Events and snapshots of a step that is on disk; after a resume whatever is there already is dropped. */
const tell = (training: Training, state: TrainingState) =>
  Effect.andThen(say(training, state), training.publisher.due(state));

const oneStep = (training: Training, state: TrainingState) =>
  Effect.gen(function* () {
    const { batchPlan, gradient, rate } = training;
    const started = performance.now();
    const lr = rate(state.step);
    const micros = batchPlan.step(state.step);
    const after = state.step + 1 < batchPlan.totalSteps
      ? batchPlan.step(state.step + 1)[0]
      : undefined;
    const { loss, gradients, state: begun } = yield* stepGradient(
      micros,
      after,
      state.optimizer,
      gradient,
    );
    const { state: optimizer, norm } = optimizerStep(
      begun,
      gradients,
      lr,
      gradient.rules,
    );
    const step = state.step + 1;
    const found = stepSizeFound(optimizer);
    const event: RunEvent = {
      event: "step",
      at: Date.now(),
      step,
      epoch: batchPlan.epochsAfter(step),
      loss,
      lr,
      ...(found === null ? {} : { dLr: found * lr }),
      gradientNorm: norm,
      gradientShare: shares(gradients),
      seconds: (performance.now() - started) / 1000,
      rssBytes: process.memoryUsage.rss(),
    };
    const stepped = {
      ...state,
      step,
      optimizer,
      average: averaged(training, state, optimizer.rows),
    };
    return { ...stepped, events: [event, ...stuckStepSize(training, stepped)] };
  });

/** The mean of the rows so far; it begins as the rows it is first asked for. */
function averaged(
  { options: { ema_decay: decay } }: Training,
  state: TrainingState,
  rows: Rows,
): EncoderPair | null {
  if (decay === null) return null;
  const [first, second] = averageRows(rowsOf(state), rows, decay, state.step + 1);
  return [first, second];
}

/** How much of the gradient's norm each encoder has. */
function shares(gradients: Rows): [number, number] {
  const [a, b] = gradients.map((gradient) =>
    Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0))
  );
  return a + b === 0 ? [0, 0] : [a / (a + b), b / (a + b)];
}

export interface StepGradient {
  readonly loss: number;
  readonly gradients: Rows;
  /** As it came in, or with rows pulled between micro-batches (the reference's cadence). */
  readonly state: OptimizerState;
}

/**
 * Micro-batches drawn, computed and summed. `next` is the first of the step after this one, if there is one:
 * while one is computed, the graph of the next one's bucket is made ready.
 */
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
      // Pictures that are still encoded use the device too: a step has its turn as soon as its own are there,
      // and is drawn in it.
      yield* Effect.forEach(micro.examples, drawing.pictures.trained, { discard: true });
      const following = micros[i + 1] ?? next;
      const size = following && sizeOf(following, drawing);
      const { rows } = state;
      const { items, result } = yield* tools.withResource(
        "device",
        Effect.gen(function* () {
          const items = yield* drawItems(micro, drawing);
          const batch = {
            ...batchOf(items, engine.model.configs.vae, objective),
            rows1: rows[0],
            rows2: rows[1],
          };
          return { items, result: yield* tryPromise(() => engine.trainStep(batch, size)) };
        }),
      );
      if (![result.loss, ...result.grad1, ...result.grad2].every(Number.isFinite)) {
        const captions = items.map(({ tokens }) => tokens.text).join("; ");
        const batch = `batch ${micro.micro} (epoch ${micro.epoch}: ${captions})`;
        return yield* diverged(`a finite loss and gradient of ${batch}`);
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
