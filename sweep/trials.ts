// The trials of a sweep: an immutable list, made from its definition by a pure function. What is listed,
// times every combination of the matrix, times the random draws, in that order.
// The trap: a draw hangs on the sweep's seed, its number and its key alone, so that a key more or less moves
// no other value; and it is rounded to six digits, so that no engine's last bit shows.
import type { Schema } from "effect";
import { philox } from "../lib/philox.ts";
import { sha256 } from "../lib/sha256.ts";
import type { Definition, Draw } from "./definition.ts";

export type Overrides = Readonly<Record<string, Schema.Json>>;

export interface Trial {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** Options over those of the configuration file, by the keys of `--set`. */
  readonly overrides: Overrides;
}

/** A number in [0, 1) of 53 bits. */
function uniform(seed: number, trial: number, key: string): number {
  const digest = sha256(key);
  const out = new Uint32Array(4);
  philox(
    [trial, 0, parseInt(digest.slice(0, 8), 16), parseInt(digest.slice(8, 16), 16)],
    [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0],
    out,
  );
  return ((out[0] >>> 5) * 2 ** 26 + (out[1] >>> 6)) / 2 ** 53;
}

const digits = (value: number) => Number(value.toPrecision(6));

function drawn(draw: Draw, seed: number, trial: number, key: string): Schema.Json {
  const at = uniform(seed, trial, key);
  switch (draw.kind) {
    case "values":
      return draw.values[Math.floor(at * draw.values.length)];
    case "int":
      return draw.from + Math.floor(at * (draw.to - draw.from + 1));
    case "uniform":
      return digits(draw.from + at * (draw.to - draw.from));
    case "log":
      return digits(draw.from * Math.exp(at * Math.log(draw.to / draw.from)));
  }
}

/** Every combination, the last key changing first. */
const combinations = (matrix: Definition["matrix"]): readonly Overrides[] =>
  Object.entries(matrix).reduce<readonly Overrides[]>(
    (made, [key, values]) =>
      made.flatMap((each) => values.map((value) => ({ ...each, [key]: value }))),
    [{}],
  );

/** How many trials a definition means, without making them. */
export const trialCount = ({ list, matrix, random, budget }: Definition): number =>
  Math.min(
    budget.trials ?? Infinity,
    Math.max(1, list.length) * random.trials *
      Object.values(matrix).reduce((product, values) => product * values.length, 1),
  );

export function trialsOf(definition: Definition): readonly Trial[] {
  const { list, matrix, random, seed, budget } = definition;
  const listed = list.length === 0 ? [{}] : list;
  const rounds = Array.from({ length: random.trials }, (_, i): Overrides =>
    Object.fromEntries(
      Object.entries(random.draws).map(([key, draw]) => [key, drawn(draw, seed, i + 1, key)]),
    ));
  const all = listed.flatMap(({ name, ...first }: Overrides) =>
    combinations(matrix).flatMap((second) =>
      rounds.map((third) => ({ name, overrides: { ...first, ...second, ...third } }))
    )
  );
  const times = new Map<unknown, number>();
  for (const { name } of all) times.set(name, (times.get(name) ?? 0) + 1);
  return all.slice(0, budget.trials ?? all.length).map(({ name, overrides }, i) => ({
    number: i + 1,
    name: name === undefined ? `${i + 1}` : times.get(name) === 1 ? `${name}` : `${name}-${i + 1}`,
    overrides,
  }));
}

/** The command line's `--set` for each override. */
export const settingsOf = (overrides: Overrides): readonly string[] =>
  Object.entries(overrides).map(([key, value]) => `${key}=${JSON.stringify(value)}`);

/** What all trials set alike, and what each sets otherwise than another, in their order. */
export function splitOverrides(
  all: readonly Overrides[],
): { readonly shared: Overrides; readonly varied: readonly Overrides[] } {
  const [first = {}, ...others] = all;
  const isShared = (key: string) => {
    const value = JSON.stringify(first[key]);
    return others.every((each) => JSON.stringify(each[key]) === value);
  };
  const shared = Object.fromEntries(Object.entries(first).filter(([key]) => isShared(key)));
  const varied = all.map((each) =>
    Object.fromEntries(Object.entries(each).filter(([key]) => !Object.hasOwn(shared, key)))
  );
  return { shared, varied };
}

/** An override as people read it: `optimizer.learning_rate=0.001`. */
export const overridesText = (overrides: Overrides): string =>
  Object.entries(overrides)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
