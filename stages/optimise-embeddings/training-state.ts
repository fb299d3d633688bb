// Everything a training is, between two steps: the rows, the optimizer's moments, the step, the best rows
// and the fixed-input losses so far. All else follows from the configuration and the seed.
// The trap: the events of the last step travel in it, because a kill between writing the state and
// appending to the log must not lose them.
import { Effect, Schema } from "effect";
import type { OptimizerOptions, OptimizerState } from "../../engine/optimise/optimizer.ts";
import {
  OptimizerStateFault,
  stateFromTensors,
  stateToTensors,
} from "../../engine/optimise/state-tensors.ts";
import { asFault, type Fault } from "../../lib/fault.ts";
import { RunEvent } from "../../inversion/events.ts";
import { loadState, saveState } from "../../inversion/state.ts";

export type EncoderPair = readonly [Float64Array, Float64Array];

export interface Best {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly rows: EncoderPair;
}

export interface TrainingState {
  /** Finished optimizer steps. */
  readonly step: number;
  readonly optimizer: OptimizerState;
  /** Where the rows began; cosines are taken to them. */
  readonly initial: EncoderPair;
  /** The fixed-input losses in order, the first at step 0. */
  readonly fixedLosses: Float64Array;
  readonly best: Best | null;
  /** The thorough measure before the first step; null where none is asked for. */
  readonly before: number | null;
  /** Ended early because the fixed-input loss had settled. */
  readonly early: boolean;
  /** What step `step` said. */
  readonly events: readonly RunEvent[];
}

const Notes = Schema.Struct({
  optimizer: Schema.Literals(["AdamW", "Prodigy"]),
  best: Schema.NullOr(Schema.Struct({ step: Schema.Int, epoch: Schema.Int, loss: Schema.Finite })),
  before: Schema.NullOr(Schema.Finite),
  early: Schema.Boolean,
  events: Schema.Array(RunEvent),
});

export const rowsOf = (state: TrainingState): EncoderPair => [
  state.optimizer.rows[0],
  state.optimizer.rows[1],
];

/** Writes the state atomically: afterwards the step is finished, whatever happens. */
export const save = (runDir: string, state: TrainingState): Effect.Effect<void, Fault> => {
  const { best } = state;
  const arrays = new Map<string, Float64Array>([
    ...[...stateToTensors(state.optimizer)].map(([k, v]) => [`optimizer.${k}`, v] as const),
    ["initial.0", state.initial[0]],
    ["initial.1", state.initial[1]],
    ["fixed_losses", state.fixedLosses],
    ...(best === null ? [] : [
      ["best.0", best.rows[0]] as const,
      ["best.1", best.rows[1]] as const,
    ]),
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
  return saveState(runDir, tensors, { step: `${state.step}`, notes: JSON.stringify(notes) });
};

/** The state of a run, or null where it has none yet. */
export const load = (
  runDir: string,
  optimizer: OptimizerOptions["optimizer_type"],
): Effect.Effect<TrainingState | null, Fault> =>
  Effect.gen(function* () {
    const saved = yield* loadState(runDir);
    if (saved === null) return null;
    return yield* Effect.try({
      try: () => {
        const { tensors, metadata } = saved;
        const notes = Schema.decodeUnknownSync(Schema.fromJsonString(Notes))(metadata.notes);
        if (notes.optimizer !== optimizer) throw otherOptimizer(notes.optimizer, optimizer);
        const array = (name: string) => tensors.get(name)!.data as Float64Array;
        const own = new Map(
          [...tensors.keys()].filter((name) => name.startsWith("optimizer.")).map((name) =>
            [name.slice("optimizer.".length), array(name)] as const
          ),
        );
        return {
          ...notes,
          step: Number(metadata.step),
          optimizer: stateFromTensors(optimizer, own),
          initial: [array("initial.0"), array("initial.1")] as const,
          fixedLosses: array("fixed_losses"),
          best: notes.best === null
            ? null
            : { ...notes.best, rows: [array("best.0"), array("best.1")] as const },
        };
      },
      catch: asFault,
    });
  });

const otherOptimizer = (found: string, wanted: string) =>
  new OptimizerStateFault({
    key: "optimizer.optimizer_type",
    wanted: `a state of ${wanted}`,
    found: `one of ${found}`,
    fix: "Resume with the optimizer that the run was started with, or start a new run.",
  });
