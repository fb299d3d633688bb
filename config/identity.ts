// What names a run: the options that change its data or its objective, as canonical JSON. The same
// identity finds the same run folder and goes on there.
// The trap: how long to train is left out only where the rate does not depend on it; an option is
// part of the identity unless its definition says `keepsRun` or `inert.ts` says that it is idle.
import { canonicalJson } from "../runtime/store/canonical-json.ts";
import { inert } from "./inert.ts";
import { optionRows } from "./option-rows.ts";
import { dotted, isMapping } from "./source.ts";
import type { TrainingConfig } from "./training.ts";

/** Whether the rate at a step depends on how many steps there are in all. */
export const rateDependsOnLength = (config: Pick<TrainingConfig, "lr_scheduler">): boolean =>
  config.lr_scheduler !== "constant" && config.lr_scheduler !== "constant_with_warmup";

function without(value: unknown, left: ReadonlySet<string>, at = ""): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !left.has(dotted(at, key)))
      .map(([key, child]) => [key, without(child, left, dotted(at, key))]),
  );
}

/** The options that name the run, in canonical JSON. */
export function identityOf(config: TrainingConfig): string {
  const left = new Set([
    ...optionRows().filter((row) => row.keepsRun).map((row) => row.key),
    ...inert.filter(({ when }) => when(config)).map(({ key }) => key),
    ...(rateDependsOnLength(config) ? [] : ["max_train_steps", "max_train_epochs"]),
  ]);
  return canonicalJson(without(config, left));
}
