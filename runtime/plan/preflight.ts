// What the stages that will run find wrong with their options before anything runs: all of it at once.
// The trap: what the plan leaves out is not asked; its files may not be here.
import { Effect } from "effect";
import { allFaults, type Fault } from "../../lib/fault.ts";
import { faultsOnly } from "../pipeline/stage-fault.ts";
import type { Plan } from "./plan.ts";
import type { Prepared } from "./prepare.ts";

/** Fails with all of it. */
export const preflight = (
  { stages, toolsOf }: Prepared,
  plan: Plan,
): Effect.Effect<void, Fault> => {
  const runs = new Set(plan.stages.flatMap(({ id, action }) => action === "run" ? id : []));
  return Effect.forEach(
    stages.filter(({ id }) => runs.has(id)),
    ({ id, stage, options }) =>
      stage.preflight === undefined
        ? Effect.succeed([])
        : faultsOnly(id)(stage.preflight(options.decoded, toolsOf(id))),
  ).pipe(Effect.flatMap((found) => {
    const faults = found.flat();
    return faults.length === 0 ? Effect.void : Effect.fail(allFaults(faults));
  }));
};
