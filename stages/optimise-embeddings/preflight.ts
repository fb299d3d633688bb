// What can be said of a training before any picture is encoded: rates that have no course, and an
// embedding file that does not fit.
// The trap: of a length in epochs the steps are not known yet, so some courses fail only later.
import { Effect } from "effect";
import type { Fault } from "../../engine/fault.ts";
import { learningRates } from "../../engine/optimise/rates.ts";
import { asFault } from "../../runtime/as-fault.ts";
import { loadModel } from "../../runtime/model/load-model.ts";
import { rowsOfFile } from "./initial-rows.ts";
import type { OptimiseOptions } from "./options.ts";

export const preflight = (options: OptimiseOptions): Effect.Effect<readonly Fault[]> =>
  Effect.map(
    Effect.all([faultOf(rates(options)), faultOf(initialFile(options))]),
    (faults) => faults.flat(),
  );

const faultOf = (check: Effect.Effect<unknown, Fault>): Effect.Effect<readonly Fault[]> =>
  Effect.match(check, { onFailure: (fault) => [fault], onSuccess: () => [] });

const rates = ({ optimizer, lr_scheduler, lr_warmup_steps, max_train_steps }: OptimiseOptions) =>
  Effect.try({
    try: () =>
      learningRates({
        schedule: lr_scheduler,
        learningRate: optimizer.learning_rate,
        warmupSteps: lr_warmup_steps,
        trainingSteps: max_train_steps ?? Infinity,
      }),
    catch: asFault,
  });

const initialFile = (options: OptimiseOptions): Effect.Effect<unknown, Fault> => {
  const file = options.initial_embedding_file;
  if (file === null) return Effect.void;
  return loadModel(options, { offline: true, progress: () => Effect.void }).pipe(
    Effect.matchEffect({
      onFailure: () => Effect.void, // not downloaded yet, or said by another stage
      onSuccess: ({ configs: { textEncoder, textEncoder2 } }) => {
        const widths = [textEncoder.hidden_size, textEncoder2.hidden_size] as const;
        return Effect.tryPromise({
          try: () => rowsOfFile(file, widths, options.num_vectors),
          catch: asFault,
        });
      },
    }),
  );
};
