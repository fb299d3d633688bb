// A sweep file as a value: which trainings there are, how they are ranked, what they may take. Read as
// every configuration is: unknown keys with the nearest known one, each finding with its line, all at once.
// The trap: keys of trials are those of `--set`; what they mean only reading a trial's configuration tells.
import { Effect, Schema } from "effect";
import { nearest } from "../lib/nearest.ts";
import { ConfigFault, type Finding } from "../runtime/options/config-fault.ts";
import { decodeAll, findingsOf } from "../runtime/options/decode-source.ts";
import { isMapping } from "../lib/mapping.ts";
import { intFrom, option, positive, required } from "../runtime/options/option.ts";
import { parseSource, placeOf, type Source } from "../lib/source.ts";

const { Array: List, Json, Literals, NullOr, Record, String: Text, Struct } = Schema;

const Rank = Struct({
  by: option(Literals(["auto", "held_out", "fixed_loss"]), {
    doc:
      "The loss on pictures that are not trained on (held_out), or on fixed ones of the training " +
      "(fixed_loss), which measures memorising too. auto: held_out where every trial has such pictures.",
    default: "auto",
  }),
  at: option(Literals(["best", "last"]), {
    doc: "Which of a trial's values counts: the lowest, or that of its last step.",
    default: "best",
  }),
  per: option(List(Text), {
    doc:
      "Keys that the trials vary and that make separate rankings, each with a winner of its own.",
    default: [],
  }),
});

export const Halving = Struct({
  first: required(intFrom(1), { doc: "All trials train to this step.", unit: "steps" }),
  factor: option(intFrom(2), {
    doc: "The best of so many go on, to so many times the step.",
    default: 3,
  }),
});
export type Halving = typeof Halving.Type;

const Budget = Struct({
  trials: option(NullOr(intFrom(1)), { doc: "Only the first so many trials.", default: null }),
  steps: option(NullOr(intFrom(1)), {
    doc: "No training begins that would bring all of them over so many steps.",
    unit: "steps",
    default: null,
  }),
  hours: option(NullOr(positive), {
    doc: "No training begins after so many hours.",
    unit: "hours",
    default: null,
  }),
});

const Needs = Struct({
  provider: option(NullOr(Text), { doc: "What must compute it, e.g. cuda.", default: null }),
  memory: option(NullOr(positive), {
    doc: "Memory that a worker must have; null: what the memory planner says.",
    unit: "GiB",
    default: null,
  }),
});

/** Bounds of a draw, the lower first. */
const Range = Schema.Tuple([Schema.Finite, Schema.Finite]);

export const SweepFile = Struct({
  sweep: required(Text.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/)), {
    doc: "The sweep's name: at most 100 letters, digits, - and _.",
  }),
  pipeline: required(Text, { doc: "The pipeline, as `pipeline` takes it." }),
  config: option(NullOr(Text), {
    doc: "A configuration file, as --config takes it; counted from the sweep file.",
    default: null,
  }),
  seed: option(intFrom(0), { doc: "What random values are drawn from.", default: 0 }),
  list: option(List(Record(Text, Json)), {
    doc: "Trials one by one: options by key, and `name` if it is to have one.",
    default: [],
  }),
  matrix: option(Record(Text, List(Json)), {
    doc: "Values by key: every combination.",
    default: {},
  }),
  random: option(Record(Text, Json), {
    doc: "`trials`: how many; and by key a list of values, {uniform: [a, b]}, {log: [a, b]} or " +
      "{int: [a, b]}.",
    default: {},
  }),
  rank: option(Rank, { doc: "What makes one trial better than another.", default: {} }),
  halving: option(NullOr(Halving), {
    doc: "The best go on, the others pause; null trains all to their end.",
    default: null,
  }),
  budget: option(Budget, { doc: "What all of it may take.", default: {} }),
  parallel: option(intFrom(1), {
    doc: "How many of its trainings wait for a worker or run at once.",
    default: 16,
  }),
  priority: option(Literals(["high", "normal", "low"]), {
    doc: "Before which sweeps it is taken.",
    default: "normal",
  }),
  needs: option(Needs, { doc: "What a worker must have.", default: {} }),
  attempts: option(intFrom(1), { doc: "How often a training is tried that fails.", default: 3 }),
  stop_after_failures: option(NullOr(intFrom(1)), {
    doc: "After so many failed trainings no other begins.",
    default: null,
  }),
  keep: option(Literals(["all", "best"]), {
    doc: "best: checkpoints of trials that did not win are removed when the sweep ends.",
    default: "all",
  }),
});
export type SweepFile = typeof SweepFile.Type;

/** A draw of `random`, decoded. */
export type Draw =
  | { readonly kind: "values"; readonly values: readonly Schema.Json[] }
  | { readonly kind: "uniform" | "log" | "int"; readonly from: number; readonly to: number };

export interface Definition extends Omit<SweepFile, "random"> {
  readonly random: { readonly trials: number; readonly draws: Readonly<Record<string, Draw>> };
  /** Where its keys stand, for findings that only its trials tell. */
  readonly source: Source;
}

/** What may stand in it; null where anything may. */
export interface Known {
  readonly options: readonly string[];
  readonly providers: readonly string[];
}

type Said = Pick<Finding, "wanted" | "found" | "fix">;

/** How `random` gives one key's values; or what is wrong with it. */
function drawOf(value: Schema.Json): Draw | Said {
  if (Array.isArray(value)) {
    return value.length > 0
      ? { kind: "values", values: value }
      : { wanted: "values", found: "an empty list", fix: "Name some, or remove the key." };
  }
  const [[kind, range], more] = isMapping(value) ? [...Object.entries(value), []] : [[], []];
  const bounds = Schema.is(Range)(range) ? range : undefined;
  if (more !== undefined && (more as unknown[]).length > 0 || bounds === undefined) {
    return {
      wanted: "a list of values, {uniform: [a, b]}, {log: [a, b]} or {int: [a, b]}",
      found: JSON.stringify(value),
      fix: "For example {log: [1e-4, 1e-2]}.",
    };
  }
  const [from, to] = bounds;
  if (kind !== "uniform" && kind !== "log" && kind !== "int") {
    const fix = `Did you mean ${nearest(String(kind), ["uniform", "log", "int"]) ?? "uniform"}?`;
    return { wanted: "uniform, log or int", found: String(kind), fix };
  }
  if (from > to) {
    return {
      wanted: "the lower bound first",
      found: `[${from}, ${to}]`,
      fix: `Write [${to}, ${from}].`,
    };
  }
  if (kind === "log" && from <= 0) {
    const fix = "Raise the lower bound, or write uniform.";
    return { wanted: "bounds above 0 for log", found: `[${from}, ${to}]`, fix };
  }
  if (!Number.isFinite(kind === "log" ? to / from : to - from)) {
    const fix = "Take bounds that are nearer to one another.";
    return { wanted: "a range that is a number itself", found: `[${from}, ${to}]`, fix };
  }
  if (kind === "int" && !(Number.isSafeInteger(from) && Number.isSafeInteger(to))) {
    const fix = "Round them, or write uniform.";
    return { wanted: "whole bounds for int", found: `[${from}, ${to}]`, fix };
  }
  return { kind, from, to };
}

const isDraw = (value: Draw | Said): value is Draw => "kind" in value;

/** The keys that trials vary, by the block they stand in. */
export const keysOf = (
  { list, matrix, random }: Pick<Definition, "list" | "matrix" | "random">,
) => ({
  list: [...new Set(list.flatMap(Object.keys))].filter((key) => key !== "name"),
  matrix: Object.keys(matrix),
  random: Object.keys(random.draws),
});

/** Options of one trial that are set twice: by their own key, and in the value of one above it. */
function overlapping(
  list: SweepFile["list"],
  others: readonly string[],
): readonly (readonly [inner: string, outer: string])[] {
  const trials = list.length === 0
    ? [others]
    : list.map((each) => [...Object.keys(each), ...others]);
  const pairs = trials.flatMap((keys) =>
    keys.flatMap((outer) =>
      keys.filter((key) => key.startsWith(`${outer}.`)).map((inner) => [inner, outer] as const)
    )
  );
  return [...new Map(pairs.map((pair) => [pair.join(" "), pair])).values()];
}

/** The values that trials may have under a key. */
const valuesOf = (file: SweepFile, draws: Definition["random"]["draws"], key: string) => {
  const draw = draws[key];
  if (file.matrix[key] !== undefined) return file.matrix[key];
  if (draw === undefined) return file.list.map((each) => each[key] ?? null);
  return draw.kind === "values" ? draw.values : [draw.from, draw.to];
};

/** What decoding cannot see: keys that nobody knows, empty lists, keys in two blocks. */
function check(
  file: SweepFile,
  random: readonly (readonly [string, Draw | Said])[],
  known: Known | null,
): readonly (Said & { readonly key: string })[] {
  const { trials } = file.random;
  const draws = Object.fromEntries(
    random.flatMap(([key, draw]) => isDraw(draw) ? [[key, draw]] : []),
  );
  const keys = keysOf({ ...file, random: { trials: 0, draws } });
  const { list, matrix } = keys;
  const drawn = random.map(([key]) => key);
  const all = [
    ...file.list.flatMap((each, i) => Object.keys(each).map((key) => [`list.${i}.${key}`, key])),
    ...matrix.map((key) => [`matrix.${key}`, key]),
    ...drawn.map((key) => [`random.${key}`, key]),
  ].filter(([at, key]) => key !== "name" || !at.startsWith("list."));
  const isKnown = (key: string) =>
    known === null || known.options.some((each) => each === key || each.startsWith(`${key}.`));
  const unknown = all.filter(([, key]) => !isKnown(key)).map(([at, key]) => {
    const near = nearest(key, known!.options) ??
      known!.options.find((each) => each.endsWith(`.${key}`));
    const fix = near === undefined ? "`pipeline --explain` lists all." : `Did you mean ${near}?`;
    return { key: at, wanted: "an option of the configuration", found: "an unknown one", fix };
  });
  const misnamed = file.list.flatMap(({ name }, i) =>
    name === undefined || typeof name === "string" || typeof name === "number" ? [] : [{
      key: `list.${i}.name`,
      wanted: "a text that names the trial",
      found: JSON.stringify(name),
      fix: "Write a word, or leave it out.",
    }]
  );
  const twice = [
    ...matrix.filter((key) => list.includes(key)).map((key) => [key, "list", "matrix"]),
    ...drawn.filter((key) => list.includes(key)).map((key) => [key, "list", "random"]),
    ...drawn.filter((key) => matrix.includes(key)).map((key) => [key, "matrix", "random"]),
  ].map(([key, one, other]) => ({
    key: `${other}.${key}`,
    wanted: "each key in one block",
    found: `it in ${one} and in ${other}`,
    fix: "Remove it from one of them.",
  }));
  const within = overlapping(file.list, [...matrix, ...drawn]).map(([inner, outer]) => ({
    key: all.find(([, key]) => key === inner)![0],
    wanted: "each option set once",
    found: `${outer} too, whose value holds it`,
    fix: `Write it in the value of ${outer}, or set the options in that one by one.`,
  }));
  const { provider } = file.needs;
  const nowhere = provider === null || known === null || known.providers.includes(provider)
    ? []
    : [{
      key: "needs.provider",
      wanted: `one of ${known.providers.join(", ")}`,
      found: provider,
      fix: `Did you mean ${nearest(provider, known.providers) ?? known.providers[0]}?`,
    }];
  const empty = Object.entries(file.matrix).filter(([, values]) => values.length === 0)
    .map(([key]) => ({
      key: `matrix.${key}`,
      wanted: "values",
      found: "an empty list",
      fix: "Name some, or remove the key.",
    }));
  const refused = random.flatMap(([key, draw]) =>
    isDraw(draw) ? [] : [{ key: `random.${key}`, ...draw }]
  );
  const counted = Number.isInteger(trials) && (trials as number) >= 1;
  const count = drawn.length === 0 && trials === undefined || counted ? [] : [{
    key: "random.trials",
    wanted: "how many trials, from 1 on",
    found: trials === undefined ? "nothing" : JSON.stringify(trials),
    fix: "For example trials: 20.",
  }];
  const varied = new Set(
    [...list, ...matrix, ...drawn].filter((key) =>
      new Set(valuesOf(file, draws, key).map((value) => JSON.stringify(value))).size > 1
    ),
  );
  const idle = file.rank.per.filter((key) => !varied.has(key)).map((key) => ({
    key: "rank.per",
    wanted: "keys that the trials vary",
    found: `${key}, which is the same in all`,
    fix: `Remove it, or name one of ${[...varied].join(", ") || "those that you vary"}.`,
  }));
  return [
    ...unknown,
    ...misnamed,
    ...twice,
    ...within,
    ...nowhere,
    ...empty,
    ...refused,
    ...count,
    ...idle,
  ];
}

/** Its pattern in words. */
const named = (finding: Finding): Finding =>
  finding.key !== "sweep" || !finding.found.startsWith('"') ? finding : {
    ...finding,
    wanted: "a name of at most 100 letters, digits, - and _, the first a letter or digit",
    fix: "For example rates-2.",
  };

/**
 * Decodes a sweep file.
 * @errors ConfigFault with all findings.
 */
export function readDefinition(
  text: string,
  file: string,
  known: Known | null,
): Effect.Effect<Definition, ConfigFault> {
  const source = parseSource(text, file);
  if (source.findings.length > 0) return Effect.fail(new ConfigFault(source.findings));
  const { value, misfits } = decodeAll(SweepFile, source.value);
  if (value === undefined) {
    return Effect.fail(new ConfigFault(findingsOf(misfits, SweepFile, source).map(named)));
  }
  const { trials, ...keys } = value.random;
  const random = Object.entries(keys).map(([key, draw]) => [key, drawOf(draw)] as const);
  const findings = check(value, random, known).map((each): Finding => ({
    ...placeOf(source, each.key),
    ...each,
  }));
  if (findings.length > 0) return Effect.fail(new ConfigFault(findings));
  const draws = Object.fromEntries(random as readonly (readonly [string, Draw])[]);
  return Effect.succeed({ ...value, random: { trials: Number(trials ?? 1), draws }, source });
}
