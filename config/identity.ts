// What names a run: the options that change its data or its objective. The same identity finds
// the same run folder and goes on there.
// The trap: how long to train is left out only where the rate does not depend on it; an option is
// part of the identity unless its definition says `keepsRun` or `ineffective-options.ts` says that it is idle.
import { schedules } from "../engine/optimise/rates.ts";
import { valueAt } from "../runtime/options/decode-source.ts";
import type { Mapping } from "../lib/mapping.ts";
import { withoutKeys } from "../lib/without-keys.ts";
import { optionRows } from "./option-rows.ts";
import { lengthKeys } from "./length.ts";
import { ineffectiveOptions } from "./ineffective-options.ts";
import type { TrainingConfig } from "./training.ts";

/** Whether the rate at a step depends on how many steps there are in all. */
export const rateDependsOnLength = (config: Pick<TrainingConfig, "lr_scheduler">): boolean =>
  schedules[config.lr_scheduler].knowsItsEnd;

/** Options that came after the first version and stand at their default: as if they were not there. */
export const lateAtDefault = (config: TrainingConfig): readonly string[] =>
  optionRows().filter((row) =>
    row.late &&
    JSON.stringify(valueAt(config, row.key.split("."))) === JSON.stringify(row.default)
  ).map((row) => row.key);

/** Options that no result depends on, by their definition: neither fingerprints nor a run's name hold them. */
export const unhashedKeys = (): readonly string[] => [
  ...new Set(optionRows().filter((row) => row.unhashed).map((row) => row.key)),
];

/** The options that name the run. */
export function identityOf(config: TrainingConfig): Mapping {
  const left = [
    ...optionRows().filter((row) => row.keepsRun).map((row) => row.key),
    ...ineffectiveOptions.filter(({ when }) => when(config)).map(({ key }) => key),
    ...lateAtDefault(config),
    ...(rateDependsOnLength(config) ? [] : lengthKeys),
  ];
  return withoutKeys(config, left);
}
