// Where a run's training is, and what it still owes: asked by every plan, so from the state alone.
// The trap: how many steps an epoch has is known with the pictures, so epochs are counted as epochs.
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import type { RemainingWork } from "../../runtime/stage.ts";
import type { OptimiseOptions } from "./options.ts";
import { load, type TrainingState } from "./training-state.ts";

type Options = Pick<
  OptimiseOptions,
  "optimizer" | "early_stop" | "ema_decay" | "max_train_steps" | "max_train_epochs"
>;

/** An early end is one only while `early_stop` is wanted, else there are steps left; a mean likewise. */
export const stateOf = (
  runDir: string,
  { optimizer, early_stop, ema_decay }: Pick<Options, "optimizer" | "early_stop" | "ema_decay">,
): Effect.Effect<TrainingState | null, Fault> =>
  Effect.map(
    load(runDir, optimizer.optimizer_type),
    (state) =>
      state && {
        ...state,
        early: state.early && early_stop,
        average: ema_decay === null ? null : state.average,
      },
  );

export const remainingWork = (
  options: Options,
  { runDir }: { readonly runDir: string },
): Effect.Effect<RemainingWork | null, Fault> =>
  Effect.map(stateOf(runDir, options), (state) => {
    if (state === null) return { why: "not trained yet", step: 0 };
    const { max_train_steps: steps, max_train_epochs: epochs } = options;
    const [done, total] = steps === null ? [epochOf(state), epochs!] : [state.step, steps];
    if (state.early || done >= total) return null;
    const unit = steps === null ? "epoch" : "step";
    return { why: `trained to ${unit} ${done} of ${total}`, step: state.step };
  });

/** Finished epochs, as the last step said. */
const epochOf = ({ events }: TrainingState): number =>
  events.find((event) => event.event === "step")?.epoch ?? 0;
