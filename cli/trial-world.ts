// What a sweep is planned from: each trial prepared as `pipeline` would, with its options set, and what it takes.
// The trap: a trial of a dry run may lack what would be downloaded; nothing here goes to the network then.
import { Effect } from "effect";
import { holdsOut } from "../config/fixed-loss.ts";
import { lengthKeys } from "../config/length.ts";
import type { TrialWorld } from "../fleet/plan-sweep.ts";
import { trainingApp } from "../inversion/app.ts";
import type { MemoryTable } from "../inversion/model/memory-table.ts";
import { runBytes } from "../inversion/run-bytes.ts";
import { type FoundRun, runsIn } from "../runtime/plan/choose-run.ts";
import { keepDigests, planRun } from "../runtime/plan/make-plan.ts";
import type { Plan } from "../runtime/plan/plan.ts";
import { preflight } from "../runtime/plan/preflight.ts";
import { prepare } from "../runtime/plan/prepare.ts";
import type { Definition } from "../sweep/definition.ts";
import { settingsOf } from "../sweep/trials.ts";
import type { Options } from "./command.ts";

/** What its memory table says of the plan that it takes. */
function peakOf({ facts }: Plan): number | null {
  const { memory } = facts as { memory?: MemoryTable };
  const rows = memory?.rows.filter(({ plan }) => plan === undefined || plan === memory.plan) ?? [];
  return rows.length === 0 ? null : Math.max(...rows.map(({ peak }) => peak));
}

/** `config`: the path of the configuration that the sweep names. */
export function trialWorld(
  definition: Definition,
  config: string | null,
  options: Options,
): TrialWorld {
  const app = trainingApp();
  const read = new Map<string, readonly FoundRun[]>();
  /** Hundreds of trials over hundreds of runs: each manifest is read once. */
  const runsOnce = (base: string) =>
    Effect.gen(function* () {
      const runs = read.get(base) ?? (yield* runsIn(base));
      read.set(base, runs);
      return runs;
    });
  return {
    look: (trial) =>
      Effect.gen(function* () {
        const prepared = yield* prepare({
          pipeline: definition.pipeline,
          layers: {
            ...(config === null ? {} : { file: config }),
            set: settingsOf(trial.overrides),
            ...(options.output === undefined ? {} : { output: String(options.output) }),
          },
          selectors: {},
          choice: { runsIn: runsOnce },
          offline: options.dryRun === true,
          app,
          onProgress: () => {},
        });
        const plan = yield* planRun(prepared);
        yield* preflight(prepared, plan);
        yield* keepDigests(prepared);
        return { prepared, plan };
      }),
    length: (values) =>
      lengthKeys.filter((key) => values[key] !== null && values[key] !== undefined)
        .map((key) => `${key} ${values[key]}`).join(", "),
    memory: peakOf,
    writes: ({ values, configuration, stages }) =>
      runBytes(
        values,
        configuration.steps,
        stages.find(({ stage }) => stage.name === "ingest")?.world,
      ),
    heldOut: (values) =>
      values.fixed_loss_every === null ? null : holdsOut({
        fixed_loss_dataset: values.fixed_loss_dataset ?? null,
        fixed_loss_holdout: Number(values.fixed_loss_holdout ?? 0),
      }),
  };
}
