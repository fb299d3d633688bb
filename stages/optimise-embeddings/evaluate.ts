// What a training measures between its steps: the fixed-input loss, its best rows, how the rows stand.
// The trap: what is measured where a training pauses leaves nothing in the state, or where it paused would tell.
import { Effect } from "effect";
import type { RunEvent } from "../../inversion/events.ts";
import type { PoolingName } from "../../inversion/model/pooling.ts";
import type { Fault } from "../../lib/fault.ts";
import { hasSettled, pairedDifference, varianceRatio } from "./loss-history.ts";
import { type Losses, meansOfParts } from "./measure.ts";
import { worseThanWord } from "./preflight-warnings.ts";
import type { Training } from "./training.ts";
import { rowsOf, type TrainingState } from "./training-state.ts";

/** The loss of the rows before the first step is measured after it: they are kept in the state. */
export const owesStart = ({ fixedEvery }: Training, { step, fixedLosses }: TrainingState) =>
  fixedEvery !== null && step > 0 && fixedLosses.length === 0;

export const evaluateWhereDue = (training: Training, state: TrainingState) =>
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
export const sayLoss = (training: Training, state: TrainingState) =>
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
