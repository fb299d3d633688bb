// Hands out snapshots: at the steps that are due, and when somebody asks. Saying one again is harmless;
// the stream drops what it has.
import { Effect } from "effect";
import { packRows, type Rows, type Snapshot } from "../../inversion/artefacts/snapshots.ts";
import type { Fault } from "../../lib/fault.ts";
import type { ControlRequest } from "../../inversion/requests.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { type BatchPlan, isDue } from "./batch-plan.ts";
import type { OptimiseOptions } from "./options.ts";
import { type EncoderPair, rowsOf, type TrainingState } from "./training-state.ts";

export interface SnapshotPublisher {
  readonly isDue: (state: TrainingState) => boolean;
  readonly due: (state: TrainingState) => Effect.Effect<void, Fault>;
  readonly asked: (
    state: TrainingState,
    requests: readonly ControlRequest[],
  ) => Effect.Effect<void, Fault>;
}

export function snapshotPublisher(
  options: OptimiseOptions,
  batchPlan: BatchPlan,
  widths: readonly [number, number],
  tools: Pick<StageTools, "put">,
  publish: (snapshot: Snapshot) => Effect.Effect<void, Fault>,
): SnapshotPublisher {
  const stored = (rows: EncoderPair): Effect.Effect<Rows, Fault> =>
    Effect.map(tools.put(packRows(...rows)), (blob) => ({
      blob,
      vectors: rows[0].length / widths[0],
      widths: [widths[0], widths[1]] as const,
    }));

  const hand = (
    state: TrainingState,
    what: Pick<Snapshot, "save" | "validate" | "last">,
  ): Effect.Effect<void, Fault> =>
    Effect.gen(function* () {
      const { best } = state;
      yield* publish({
        ...what,
        step: state.step,
        epoch: batchPlan.epochsAfter(state.step),
        rows: yield* stored(rowsOf(state)),
        best: best === null
          ? null
          : { step: best.step, epoch: best.epoch, rows: yield* stored(best.rows) },
        early: state.early,
      });
    });

  const wants = (state: TrainingState) => {
    const { step } = state;
    const last = state.early || step >= batchPlan.totalSteps;
    const saves = last ||
      isDue(batchPlan, step, options.save_every_n_steps, options.save_every_n_epochs);
    const every = [options.validate_every_n_steps, options.validate_every_n_epochs] as const;
    const pictures = options.validation_prompts.length > 0 &&
      (last || (step === 0 ? options.validate_at_start : isDue(batchPlan, step, ...every)));
    return { save: saves, validate: pictures ? { prompts: null } : null, last };
  };

  return {
    isDue: (state) => {
      const { save, validate } = wants(state);
      return save || validate !== null;
    },
    due: (state) => {
      const what = wants(state);
      return what.save || what.validate !== null ? hand(state, what) : Effect.void;
    },
    asked: (state, requests) =>
      Effect.forEach(requests, (request) => {
        if (request.request === "save") {
          return hand(state, { save: true, validate: null, last: false });
        }
        if (request.request !== "validate") {
          return Effect.void;
        }
        const prompts = request.prompts ?? null;
        return hand(state, { save: false, validate: { prompts }, last: false });
      }, { discard: true }),
  };
}
