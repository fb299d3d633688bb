// A training that is open: its options, its plan of batches, and what computes, measures and publishes.
import type { Effect } from "effect";
import type { ObjectiveOptions } from "../../engine/diffusion/objective.ts";
import type { StepRules } from "../../engine/optimise/optimizer-step.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { PoolingName } from "../../inversion/model/pooling.ts";
import type { Fault } from "../../lib/fault.ts";
import type { StageTools } from "../../runtime/stage.ts";
import type { BatchPlan } from "./batch-plan.ts";
import type { Drawing } from "./batches.ts";
import type { EncoderStats } from "./embedding-stats.ts";
import type { Losses } from "./measure.ts";
import type { OptimiseOptions } from "./options.ts";
import type { SnapshotPublisher } from "./snapshot-publisher.ts";
import type { EncoderPair, TrainingState } from "./training-state.ts";

/** What a step's gradient is computed with. */
export interface GradientTools {
  readonly engine: Engine;
  readonly drawing: Drawing;
  readonly objective: ObjectiveOptions;
  readonly accumulation: number;
  readonly rules: StepRules;
  readonly tools: Pick<StageTools, "withResource">;
}

export interface Training {
  readonly options: OptimiseOptions;
  readonly batchPlan: BatchPlan;
  readonly gradient: GradientTools;
  readonly rate: (step: number) => number;
  /** After how many steps the fixed-input loss is measured; null: never. */
  readonly fixedEvery: number | null;
  /** It is measured on pictures that are not trained on, and so can choose the best rows. */
  readonly heldOut: boolean;
  /** The rules of pooling that are trained for, and measured: of several, all items under each in turn. */
  readonly poolings: readonly PoolingName[];
  readonly fixedLoss: (rows: EncoderPair) => Effect.Effect<Losses, Fault>;
  /** The same of the initializer word, once where the vectors stand; null where that is no other thing. */
  readonly wordLoss: ((rows: EncoderPair) => Effect.Effect<number, Fault>) | null;
  readonly stats: (
    state: TrainingState,
    words: boolean,
  ) => Effect.Effect<readonly EncoderStats[], Fault>;
  readonly publisher: SnapshotPublisher;
  readonly tools: StageTools;
}
