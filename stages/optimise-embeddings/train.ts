// The training loop: step by step from a state to the next, each step on disk before anyone hears of it.
// The trap: whatever a step decides must follow from the state, the configuration and the seed alone.
import { Effect } from "effect";
import { optimizerStep } from "../../engine/optimise/optimizer-step.ts";
import type { Rows } from "../../engine/optimise/rows.ts";
import { type Fault, stopped } from "../../lib/fault.ts";
import type { RunEvent } from "../../inversion/events.ts";
import { trainingRequests } from "../../inversion/requests.ts";
import type { StageTools } from "../../runtime/stage.ts";
import type { BatchPlan } from "./batch-plan.ts";
import type { EncoderStats } from "./embedding-stats.ts";
import { hasSettled, varianceRatio } from "./fixed-loss.ts";
import { type GradientTools, stepGradient } from "./gradient.ts";
import type { OptimiseOptions } from "./options.ts";
import type { SnapshotPublisher } from "./snapshot-publisher.ts";
import { type EncoderPair, rowsOf, save, type TrainingState } from "./training-state.ts";

export interface Training {
  readonly options: OptimiseOptions;
  readonly batchPlan: BatchPlan;
  readonly gradient: GradientTools;
  readonly rate: (step: number) => number;
  readonly fixedLoss: (rows: EncoderPair) => Effect.Effect<number, Fault>;
  readonly stats: (
    state: TrainingState,
    words: boolean,
  ) => Effect.Effect<readonly EncoderStats[], Fault>;
  readonly publisher: SnapshotPublisher;
  readonly tools: StageTools;
}

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
      yield* save(tools.runDir, current);
    }
    yield* tell(training, current);
    while (!isFinished(current, batchPlan)) {
      if (tools.stopRequested()) return yield* Effect.fail(stopped(current.step));
      const stepped = yield* oneStep(training, current);
      if (owesStart(training, stepped)) {
        // That the first step went well is heard before anything is measured.
        yield* save(tools.runDir, stepped);
        yield* say(training, stepped);
      }
      current = yield* evaluateWhereDue(training, stepped);
      yield* save(tools.runDir, current);
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
    const { loss, gradients, rows } = yield* stepGradient(micros, after, rowsOf(state), gradient);
    const { state: optimizer, norm } = optimizerStep(
      { ...state.optimizer, rows },
      gradients,
      lr,
      gradient.rules,
    );
    const step = state.step + 1;
    const event: RunEvent = {
      event: "step",
      at: Date.now(),
      step,
      epoch: batchPlan.epochsAfter(step),
      loss,
      lr,
      ...(optimizer.optimizer_type === "Prodigy" ? { dLr: optimizer.d * lr } : {}),
      gradientNorm: norm,
      gradientShare: shares(gradients),
      seconds: (performance.now() - started) / 1000,
      rssBytes: process.memoryUsage.rss(),
    };
    return { ...state, step, optimizer, events: [event] };
  });

/** The loss of the rows before the first step is measured after it: they are kept in the state. */
const owesStart = ({ options }: Training, { step, fixedLosses }: TrainingState) =>
  options.fixed_loss_every !== null && step > 0 && fixedLosses.length === 0;

const evaluateWhereDue = (training: Training, state: TrainingState) =>
  Effect.gen(function* () {
    const begun = owesStart(training, state) ? yield* evaluateStart(training, state) : state;
    const { batchPlan, options: { fixed_loss_every: every } } = training;
    const isDue = every !== null &&
      (state.step % every === 0 || state.step === batchPlan.totalSteps);
    return isDue ? yield* evaluated(training, begun) : begun;
  });

const evaluateStart = (training: Training, state: TrainingState) =>
  Effect.map(
    evaluated(training, {
      ...state,
      step: 0,
      optimizer: { ...state.optimizer, rows: state.initial },
    }),
    (start) => ({ ...start, step: state.step, optimizer: state.optimizer }),
  );

/** Measures the fixed-input loss and looks at the rows. */
const evaluated = (
  training: Training,
  state: TrainingState,
): Effect.Effect<TrainingState, Fault> =>
  Effect.gen(function* () {
    const { options, batchPlan, publisher } = training;
    const loss = yield* training.fixedLoss(rowsOf(state));
    const fixedLosses = new Float64Array(state.fixedLosses.length + 1);
    fixedLosses.set(state.fixedLosses);
    fixedLosses[state.fixedLosses.length] = loss;
    const epoch = batchPlan.epochsAfter(state.step);
    const improved = state.best === null || loss < state.best.loss;
    const best = improved ? { step: state.step, epoch, loss, rows: rowsOf(state) } : state.best!;
    const event: RunEvent = {
      event: "fixed-loss",
      at: Date.now(),
      step: state.step,
      loss,
      bestStep: best.step,
      bestLoss: best.loss,
      varianceRatio: varianceRatio(fixedLosses),
    };
    const evaluateState = {
      ...state,
      fixedLosses,
      best,
      early: options.early_stop && hasSettled(fixedLosses),
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

/** How much of the gradient's norm each encoder has. */
function shares(gradients: Rows): [number, number] {
  const [a, b] = gradients.map((gradient) =>
    Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0))
  );
  return a + b === 0 ? [0, 0] : [a / (a + b), b / (a + b)];
}
