// The training loop: step by step from a state to the next, each step on disk before anyone hears of it.
// The trap: whatever a step decides must follow from the state, the configuration and the seed alone.
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { optimizerStep } from "../../engine/optimise/optimizer-step.ts";
import type { Rows } from "../../engine/optimise/rows.ts";
import type { RunEvent } from "../../runtime/events.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { stopped } from "../../lib/stopped.ts";
import type { Course } from "./course.ts";
import { hasSettled, varianceRatio } from "./fixed-loss-course.ts";
import { type GradientTools, stepGradient } from "./gradient.ts";
import type { OptimiseOptions } from "./options.ts";
import type { EncoderHealth } from "./row-health.ts";
import type { SnapshotDesk } from "./snapshot-desk.ts";
import { type EncoderPair, rowsOf, save, type TrainingState } from "./training-state.ts";

export interface Training {
  readonly options: OptimiseOptions;
  readonly course: Course;
  readonly gradient: GradientTools;
  readonly rate: (step: number) => number;
  readonly fixedLoss: (rows: EncoderPair) => Effect.Effect<number, Fault>;
  readonly health: (
    state: TrainingState,
    words: boolean,
  ) => Effect.Effect<readonly EncoderHealth[], Fault>;
  readonly desk: SnapshotDesk;
  readonly tools: StageTools;
}

export const isFinished = (state: TrainingState, course: Course): boolean =>
  state.early || state.step >= course.totalSteps;

/** Goes on from `state` to the last step. Fails with `Stopped` when asked to stop. */
export const train = (
  training: Training,
  state: TrainingState,
): Effect.Effect<TrainingState, Fault> =>
  Effect.gen(function* () {
    const { course, desk, tools } = training;
    let current = state;
    yield* tools.progress(current.step, course.totalSteps, "steps");
    if (owesStart(training, current)) {
      current = yield* judgedWhereDue(training, current);
      yield* save(tools.runDir, current);
    }
    yield* tell(training, current);
    while (!isFinished(current, course)) {
      if (tools.stopRequested()) return yield* Effect.fail(stopped(current.step));
      const stepped = yield* oneStep(training, current);
      if (owesStart(training, stepped)) {
        // That the first step went well is heard before anything is measured.
        yield* save(tools.runDir, stepped);
        yield* say(training, stepped);
      }
      current = yield* judgedWhereDue(training, stepped);
      yield* save(tools.runDir, current);
      yield* tell(training, current);
      yield* desk.asked(current, yield* tools.requests());
      yield* tools.progress(current.step, course.totalSteps, "steps");
    }
    return current;
  });

const say = ({ tools }: Training, { events }: TrainingState) =>
  Effect.forEach(events, tools.emit, { discard: true });

/** Events and snapshots of a step that is on disk; after a resume whatever is there already is dropped. */
const tell = (training: Training, state: TrainingState) =>
  Effect.andThen(say(training, state), training.desk.due(state));

const oneStep = (training: Training, state: TrainingState) =>
  Effect.gen(function* () {
    const { course, gradient, rate } = training;
    const started = performance.now();
    const lr = rate(state.step);
    const micros = course.step(state.step);
    const after = state.step + 1 < course.totalSteps ? course.step(state.step + 1)[0] : undefined;
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
      epoch: course.epochsAfter(step),
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

const judgedWhereDue = (training: Training, state: TrainingState) =>
  Effect.gen(function* () {
    const begun = owesStart(training, state) ? yield* judgedStart(training, state) : state;
    const { course, options: { fixed_loss_every: every } } = training;
    const isDue = every !== null &&
      (state.step % every === 0 || state.step === course.totalSteps);
    return isDue ? yield* judged(training, begun) : begun;
  });

const judgedStart = (training: Training, state: TrainingState) =>
  Effect.map(
    judged(training, {
      ...state,
      step: 0,
      optimizer: { ...state.optimizer, rows: state.initial },
    }),
    (start) => ({ ...start, step: state.step, optimizer: state.optimizer }),
  );

/** Measures the fixed-input loss and looks at the rows. */
const judged = (
  training: Training,
  state: TrainingState,
): Effect.Effect<TrainingState, Fault> =>
  Effect.gen(function* () {
    const { options, course, desk } = training;
    const loss = yield* training.fixedLoss(rowsOf(state));
    const fixedLosses = new Float64Array(state.fixedLosses.length + 1);
    fixedLosses.set(state.fixedLosses);
    fixedLosses[state.fixedLosses.length] = loss;
    const epoch = course.epochsAfter(state.step);
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
    const judgedState = {
      ...state,
      fixedLosses,
      best,
      early: options.early_stop && hasSettled(fixedLosses),
    };
    const words = desk.isDue(judgedState);
    const rows: RunEvent = {
      event: "rows",
      at: Date.now(),
      step: state.step,
      encoders: yield* training.health(judgedState, words),
    };
    return { ...judgedState, events: [...state.events, event, rows] };
  });

/** How much of the gradient's norm each encoder has. */
function shares(gradients: Rows): [number, number] {
  const [a, b] = gradients.map((gradient) =>
    Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0))
  );
  return a + b === 0 ? [0, 0] : [a / (a + b), b / (a + b)];
}
