// Everything a training is, between two steps: the rows, their mean, the optimizer's moments, the step, the
// best rows and the fixed-input losses so far. All else follows from the configuration and the seed.
// The trap: the events of the last step travel in it, because a kill between writing the state and
// appending to the log must not lose them.
import { Effect, Result, Schema } from "effect";
import {
  type OptimizerName,
  optimizers,
  type OptimizerState,
} from "../../engine/optimise/optimizer.ts";
import {
  OptimizerStateFault,
  stateFromTensors,
  stateToTensors,
} from "../../engine/optimise/state-tensors.ts";
import { asFault } from "../../lib/as-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { RunEvent } from "../../inversion/events.ts";
import {
  damagedState,
  loadState,
  type SavedState,
  saveState,
} from "../../runtime/run-folder/state.ts";
import type { StageTools } from "../../runtime/stage.ts";

export type EncoderPair = readonly [Float64Array, Float64Array];

export interface Best {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly rows: EncoderPair;
  /** Of each item; none in a state of before they were kept. */
  readonly losses: Float64Array;
}

export interface TrainingState {
  /** Finished optimizer steps. */
  readonly step: number;
  readonly optimizer: OptimizerState;
  /** The mean of the rows so far (ema_decay); null where none is kept, and before the first step. */
  readonly average: EncoderPair | null;
  /** Where the rows began; cosines are taken to them. */
  readonly initial: EncoderPair;
  /** The fixed-input losses in order, the first at step 0. */
  readonly fixedLosses: Float64Array;
  /** The steps at which they were measured. */
  readonly fixedSteps: Float64Array;
  readonly best: Best | null;
  /** The thorough measure before the first step, under each rule of pooling; null where none is asked for. */
  readonly before: readonly number[] | null;
  /** Ended early because the fixed-input loss had settled. */
  readonly early: boolean;
  /** What step `step` said. */
  readonly events: readonly RunEvent[];
}

const Notes = Schema.Struct({
  optimizer: Schema.Literals(Object.keys(optimizers) as OptimizerName[]),
  best: Schema.NullOr(Schema.Struct({ step: Schema.Int, epoch: Schema.Int, loss: Schema.Finite })),
  /** One number in states of before there were several. */
  before: Schema.NullOr(Schema.Union([Schema.Array(Schema.Finite), Schema.Finite])),
  early: Schema.Boolean,
  events: Schema.Array(RunEvent),
});
const decodeNotes = Schema.decodeUnknownResult(Schema.fromJsonString(Notes));

/** The rows that are trained. */
export const trainedRows = ({ optimizer: { rows } }: TrainingState): EncoderPair => [
  rows[0],
  rows[1],
];

/** The rows that are saved, drawn and measured: their mean, where one is kept. */
export const rowsOf = (state: TrainingState): EncoderPair => state.average ?? trainedRows(state);

const pair = (name: string, rows: EncoderPair) =>
  rows.map((values, encoder) => [`${name}.${encoder}`, values] as const);

/**
 * The steps of values that a state of before they were kept holds: they came evenly, and the last at the
 * step or some steps before it.
 */
const evenSteps = (count: number, step: number): Float64Array => {
  const every = Math.max(1, Math.floor(step / Math.max(1, count - 1)));
  return Float64Array.from({ length: count }, (_, i) => Math.min(step, i * every));
};

/** Writes the state atomically: afterwards the step is finished, whatever happens. */
export const save = (
  { runDir, run }: Pick<StageTools, "runDir"> & { readonly run: Pick<StageTools["run"], "origin"> },
  state: TrainingState,
): Effect.Effect<void, Fault> => {
  const { best } = state;
  const arrays = new Map<string, Float64Array>([
    ...[...stateToTensors(state.optimizer)].map(([k, v]) => [`optimizer.${k}`, v] as const),
    ...(state.average === null ? [] : pair("ema", state.average)),
    ...pair("initial", state.initial),
    ["fixed_losses", state.fixedLosses],
    ["fixed_steps", state.fixedSteps],
    ...(best === null ? [] : [...pair("best", best.rows), ["best.losses", best.losses] as const]),
  ]);
  const tensors = new Map(
    [...arrays].map((
      [name, data],
    ) => [name, { dtype: "F64" as const, shape: [data.length], data }]),
  );
  const notes: typeof Notes.Type = {
    optimizer: state.optimizer.optimizer_type,
    best: best === null ? null : { step: best.step, epoch: best.epoch, loss: best.loss },
    before: state.before,
    early: state.early,
    events: state.events,
  };
  const metadata = { step: `${state.step}`, notes: JSON.stringify(notes) };
  return saveState(runDir, run.origin, tensors, metadata);
};

/** The state of a run, or null where it has none yet. */
export const load = (
  runDir: string,
  optimizer: OptimizerName,
): Effect.Effect<TrainingState | null, Fault> =>
  Effect.gen(function* () {
    const saved = yield* loadState(runDir);
    if (saved === null) return null;
    return yield* Effect.try({
      try: () => decoded(runDir, optimizer, saved),
      catch: asFault,
    });
  });

/** Throws OptimizerStateFault for a state of another optimizer, DamagedState where it is no training's. */
function decoded(
  runDir: string,
  optimizer: OptimizerName,
  { tensors, metadata, step, origin }: SavedState,
): TrainingState {
  const bad = (found: string) => damagedState(runDir, found);
  const read = decodeNotes(metadata.notes);
  if (Result.isFailure(read)) throw bad("one without its notes");
  const notes = read.success;
  if (notes.optimizer !== optimizer) throw otherOptimizer(notes.optimizer, optimizer);
  const array = (name: string): Float64Array => {
    const data = tensors.get(name)?.data;
    if (data instanceof Float64Array) return data;
    throw bad(`one without ${name}`);
  };
  const rows = (name: string) => [array(`${name}.0`), array(`${name}.1`)] as const;
  const own = [...tensors.keys()].filter((name) => name.startsWith("optimizer."))
    .map((name) => [name.slice("optimizer.".length), array(name)] as const);
  const fixedLosses = array("fixed_losses");
  const state: TrainingState = {
    ...notes,
    before: typeof notes.before === "number" ? [notes.before] : notes.before,
    step,
    optimizer: optimizerState(runDir, optimizer, new Map(own)),
    average: tensors.has("ema.0") ? rows("ema") : null,
    initial: rows("initial"),
    fixedLosses,
    fixedSteps: tensors.has("fixed_steps")
      ? array("fixed_steps")
      : evenSteps(fixedLosses.length, step),
    best: notes.best === null ? null : {
      ...notes.best,
      rows: rows("best"),
      losses: tensors.has("best.losses") ? array("best.losses") : new Float64Array(),
    },
  };
  const size = (pair: EncoderPair) => pair.map(({ length }) => length).join();
  for (const each of [state.initial, state.average, state.best?.rows]) {
    if (each != null && size(each) !== size(trainedRows(state))) throw bad("rows of two sizes");
  }
  // No digest vouches for it.
  if (origin === null) {
    const said = notes.events.find((event) => event.event === "step")?.step ?? 0;
    if (said !== step) throw bad(`step ${step}, whose events are of step ${said}`);
    for (const [name, { data }] of tensors) {
      if (!(data as Float64Array).every(Number.isFinite)) throw bad(`a ${name} that is no number`);
    }
  }
  return state;
}

function optimizerState(
  runDir: string,
  optimizer: OptimizerName,
  tensors: ReadonlyMap<string, Float64Array>,
): OptimizerState {
  try {
    return stateFromTensors(optimizer, tensors);
  } catch (cause) {
    const { tensor, found } = asFault(cause);
    throw damagedState(runDir, `optimizer.${tensor} with ${found}`);
  }
}

const otherOptimizer = (found: string, wanted: string) =>
  new OptimizerStateFault({
    key: "optimizer.optimizer_type",
    wanted: `a state of ${wanted}`,
    found: `one of ${found}`,
    fix: "Resume with the optimizer that the run was started with, or start a new run.",
  });
