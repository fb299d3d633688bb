// The training loop: step by step from a state to the next, each step on disk before anyone hears of it.
// The trap: whatever a step decides must follow from the state, the configuration and the seed alone.
import { Effect } from "effect";
import { averageRows } from "../../engine/optimise/averaged-rows.ts";
import { optimizerStep } from "../../engine/optimise/optimizer-step.ts";
import { stepSizeFound } from "../../engine/optimise/optimizer.ts";
import type { Rows } from "../../engine/optimise/rows.ts";
import type { PoolingName } from "../../inversion/model/pooling.ts";
import { type Fault, paused, stopped } from "../../lib/fault.ts";
import type { RunEvent } from "../../inversion/events.ts";
import { trainingRequests } from "../../inversion/requests.ts";
import type { BatchPlan } from "./batch-plan.ts";
import { type Losses, meansOfParts } from "./measure.ts";
import { stepGradient } from "./gradient.ts";
import { hasSettled, pairedDifference, varianceRatio } from "./loss-history.ts";
import { stuckStepSize, worseThanWord } from "./preflight-warnings.ts";
import type { Training } from "./training.ts";
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

/** The loss of the rows before the first step is measured after it: they are kept in the state. */
const owesStart = ({ fixedEvery }: Training, { step, fixedLosses }: TrainingState) =>
  fixedEvery !== null && step > 0 && fixedLosses.length === 0;

const evaluateWhereDue = (training: Training, state: TrainingState) =>
  Effect.gen(function* () {
    const begun = owesStart(training, state) ? yield* evaluateStart(training, state) : state;
    const { batchPlan, fixedEvery: every } = training;
    const isDue = every !== null &&
      (state.step % every === 0 || state.step === batchPlan.totalSteps);
    return isDue ? yield* evaluated(training, begun) : begun;
  });

const evaluateStart = (training: Training, state: TrainingState) =>
  Effect.gen(function* () {
    const { step, optimizer, average } = state;
    const start = yield* evaluated(training, { ...state, step: 0, average: state.initial });
    const word = training.wordLoss === null ? null : yield* training.wordLoss(state.initial);
    const remarks = word === null ? [] : worseThanWord(start.fixedLosses[0], word);
    return { ...start, step, optimizer, average, events: [...start.events, ...remarks] };
  });

/**
 * Where a training pauses its loss is known, so that trainings compare there. A step at which none was due
 * leaves nothing in the state: what comes later does not hang on where it paused.
 */
const sayLoss = (training: Training, state: TrainingState) =>
  Effect.gen(function* () {
    const { fixedEvery, fixedLoss, heldOut, poolings, tools } = training;
    if (fixedEvery === null || state.fixedSteps.at(-1) === state.step) return;
    const measured = yield* fixedLoss(rowsOf(state));
    const { mean: loss } = measured;
    const best = state.best ?? { step: state.step, loss };
    yield* tools.emit({
      event: "fixed-loss",
      step: state.step,
      loss,
      bestStep: best.step,
      bestLoss: best.loss,
      varianceRatio: null,
      heldOut,
      ...byPooling(poolings, measured),
    });
  });

/** Measures the fixed-input loss and looks at the rows. */
const evaluated = (
  training: Training,
  state: TrainingState,
): Effect.Effect<TrainingState, Fault> =>
  Effect.gen(function* () {
    const { options, batchPlan, publisher, heldOut, poolings } = training;
    const measured = yield* training.fixedLoss(rowsOf(state));
    const { mean: loss, each: losses } = measured;
    const fixedLosses = appended(state.fixedLosses, loss);
    const fixedSteps = appended(state.fixedSteps, state.step);
    const epoch = batchPlan.epochsAfter(state.step);
    // Pictures that are trained on measure how well they are known by heart, so they choose the last.
    const improved = state.best === null || !heldOut || loss < state.best.loss;
    const best = improved
      ? { step: state.step, epoch, loss, losses, rows: rowsOf(state) }
      : state.best!;
    const above = improved ? null : pairedDifference(losses, best.losses);
    const event: RunEvent = {
      event: "fixed-loss",
      at: Date.now(),
      step: state.step,
      loss,
      bestStep: best.step,
      bestLoss: best.loss,
      varianceRatio: varianceRatio({ fixedLosses, fixedSteps }),
      heldOut,
      ...byPooling(poolings, measured),
      ...(above === null ? {} : { aboveBest: above }),
    };
    const evaluateState = {
      ...state,
      fixedLosses,
      fixedSteps,
      best,
      early: options.early_stop && hasSettled({ fixedLosses, fixedSteps }),
    };
    const words = publisher.isDue(evaluateState);
    const rows: RunEvent = {
      event: "rows",
      at: Date.now(),
      step: state.step,
      encoders: yield* training.stats(evaluateState, words),
    };
    return { ...evaluateState, events: [...state.events, event, rows] };
  });

/** The loss under each rule of pooling, where there are several. */
const byPooling = (
  poolings: readonly PoolingName[],
  measured: Losses,
): { readonly under?: Readonly<Record<string, number>> } => {
  if (poolings.length === 1) return {};
  const means = meansOfParts(measured, poolings.length);
  return { under: Object.fromEntries(poolings.map((name, i) => [name, means[i]])) };
};

function appended(values: Float64Array, value: number): Float64Array {
  const all = new Float64Array(values.length + 1);
  all.set(values);
  all[values.length] = value;
  return all;
}

/** How much of the gradient's norm each encoder has. */
function shares(gradients: Rows): [number, number] {
  const [a, b] = gradients.map((gradient) =>
    Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0))
  );
  return a + b === 0 ? [0, 0] : [a / (a + b), b / (a + b)];
}
