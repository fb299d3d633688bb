// What is wrong with a sweep that only its trials tell: losses that nobody measures or that do not compare, a halving
// beyond the end, trials that are one run. Each finding has the line of the sweep file.
// The trap: trials that mean one run are one, unless they are to be of different lengths: then none of them is meant.
import type { Place } from "../lib/fault.ts";
import { placeOf } from "../lib/source.ts";
import type { Finding } from "../runtime/options/config-fault.ts";
import { type Definition, keysOf } from "../sweep/definition.ts";
import type { Trial } from "../sweep/trials.ts";

/** What makes losses of different trials no measures of the same. */
function incomparable(definition: Definition, heldOut: boolean): readonly string[] {
  const { list, matrix, random } = keysOf(definition);
  const measured = (key: string) =>
    /^fixed_loss_(?!every)/.test(key) || (!heldOut && /^data_loader\.dataset(\.|$)/.test(key));
  return [...list, ...matrix, ...random].filter((key) =>
    measured(key) && !definition.rank.per.includes(key)
  );
}

/** A trial with what its run is. */
export interface Measured {
  readonly trial: Trial;
  /** Of the run, which two trials may share. */
  readonly identity: string;
  /** The folder of runs. */
  readonly base: string;
  /** Whether its losses are of pictures that are not trained on; null: there are none. */
  readonly heldOut: boolean | null;
  /** Null: it is as long as so many epochs. */
  readonly steps: number | null;
  /** How long it is, in words. */
  readonly length: string;
}

export const shortestOf = (trials: readonly Measured[]) =>
  Math.min(...trials.map(({ steps }) => steps ?? Infinity));

/** Where a sweep file sets what a trial has under a key; null: it does not. */
export function settingOf(
  { list, matrix, source }: Pick<Definition, "list" | "matrix" | "source">,
  { overrides }: Trial,
  key: string,
): Place | null {
  const own = Object.keys(overrides).find((each) => each === key || key.startsWith(`${each}.`));
  if (own === undefined) return null;
  const value = JSON.stringify(overrides[own]);
  const isIt = (other: unknown) => JSON.stringify(other) === value;
  const listed = list.findIndex((each) => Object.hasOwn(each, own) && isIt(each[own]));
  if (listed >= 0) return placeOf(source, `list.${listed}.${own}`);
  return Object.hasOwn(matrix, own)
    ? placeOf(source, `matrix.${own}.${matrix[own].findIndex(isIt)}`)
    : placeOf(source, `random.${own}`);
}

/** Trials that are one run, which a longer one of them would go on with, so they cannot both be. */
function lengths(definition: Definition, trials: readonly Measured[]): readonly Finding[] {
  const first = new Map<string, Measured>();
  return trials.flatMap((each) => {
    const before = first.get(each.identity);
    if (before === undefined) first.set(each.identity, each);
    if (before === undefined || before.length === each.length) return [];
    return [{
      ...settingOf(definition, each.trial, each.length.split(" ")[0]) ??
        placeOf(definition.source, ""),
      wanted: "trials that are runs of their own",
      found: `${each.length} in trial ${each.trial.name} and ${before.length} in trial ` +
        `${before.trial.name}, which are one run`,
      fix:
        "A longer training goes on with the shorter: name the longest alone, or vary something " +
        "else beside it.",
    }];
  });
}

/** Trials whose runs would lie elsewhere than those of the first. */
const elsewhere = (definition: Definition, trials: readonly Measured[]): readonly Finding[] => {
  const [first] = trials;
  const other = trials.find(({ base }) => base !== first.base);
  return other === undefined ? [] : [{
    ...settingOf(definition, other.trial, "base_output_dir") ?? placeOf(definition.source, ""),
    key: "base_output_dir",
    wanted: "one folder of runs for all trials",
    found: `${first.base} in trial ${first.trial.name}, ${other.base} in trial ${other.trial.name}`,
    fix: "Set it in the configuration, or with --output.",
  }];
};

/** What is wrong with a sweep as its trials are. */
export function sweepFindings(
  definition: Definition,
  trials: readonly Measured[],
): readonly Finding[] {
  const { rank, halving, budget, source } = definition;
  const at = (key: string) => ({ ...placeOf(source, key), key });
  const names = (of: (trial: Measured) => boolean) =>
    trials.filter(of).map(({ trial }) => trial.name).slice(0, 5).join(", ");
  const unmeasured = names(({ heldOut }) => heldOut === null);
  const own = names(({ heldOut }) => heldOut === false);
  const all = trials.every(({ heldOut }) => heldOut === true);
  const inEpochs = names(({ steps }) => steps === null);
  const counting = [
    ...(budget.steps === null ? [] : ["budget.steps"]),
    ...(halving === null ? [] : ["halving"]),
  ];
  const shortest = shortestOf(trials);
  return [
    ...elsewhere(definition, trials),
    ...lengths(definition, trials),
    ...(unmeasured === "" ? [] : [{
      ...at("rank.by"),
      wanted: "a loss that is measured",
      found: `fixed_loss_every: null in trial ${unmeasured}`,
      fix: "Set fixed_loss_every to a number of steps.",
    }]),
    ...(rank.by !== "held_out" || own === "" ? [] : [{
      ...at("rank.by"),
      wanted: "pictures that are not trained on in every trial",
      found: `none in trial ${own}`,
      fix: "Set fixed_loss_dataset or fixed_loss_holdout, or rank by fixed_loss.",
    }]),
    ...incomparable(definition, all).map((key) => ({
      ...at("rank.per"),
      wanted: `${key}, since losses compare only where they are measured alike`,
      found: definition.rank.per.join(", ") || "nothing",
      fix: `Add ${key} to rank.per, or do not vary it.`,
    })),
    ...(inEpochs === "" ? [] : counting).map((key) => ({
      ...at(key),
      wanted: "trainings whose length is given in steps",
      found: `epochs in trial ${inEpochs}`,
      fix: `Set max_train_steps, or leave ${key} out.`,
    })),
    ...(halving === null || halving.first < shortest ? [] : [{
      ...at("halving.first"),
      wanted: `a step before the end of every trial (${shortest})`,
      found: String(halving.first),
      fix: "Lower it.",
    }]),
  ];
}
