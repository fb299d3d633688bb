// Which stages a command means: `--from`, `--until`, `--only`, `--force`, `--no-cache` as sets of ids.
// The trap: what stands before `--from` or `--only` is not made; it must be in the store already.
import { Effect } from "effect";
import { allFaults, type Fault, fault } from "../../lib/fault.ts";
import { nearest } from "../../lib/nearest.ts";
import type { Wired } from "../pipeline/wiring.ts";

export class NoSuchStage extends fault("NoSuchStage", "user") {}

/**
 * Several of one: all of them.
 * @internal
 */
type Names = string | readonly string[] | undefined;

export class SelectorFault extends fault("SelectorFault", "user") {}

/** Which stages a command means, by their ids; nothing given: all that are not done. */
export interface Selectors {
  /** These and all below run, whatever is in the store. */
  readonly from?: Names;
  /** Nothing below these. */
  readonly until?: Names;
  /** These run, and nothing else. */
  readonly only?: Names;
  /** Whatever is in the store. */
  readonly force?: boolean;
  /** False: nothing is taken from the store, and nothing is kept there for later. */
  readonly cache?: boolean;
}

export interface Selection {
  /** Takes part; the others are left out. */
  readonly included: ReadonlySet<string>;
  /** Must be in the store, and is not made. */
  readonly given: ReadonlySet<string>;
  /** Runs although nothing changed: by which option. */
  readonly forced: ReadonlyMap<string, string>;
  readonly cache: boolean;
}

/** The stages that `starts` reach in one direction, themselves included. */
function closure(
  starts: readonly string[],
  next: (id: string) => readonly string[],
): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (id: string) => {
    if (reached.has(id)) return;
    reached.add(id);
    next(id).forEach(visit);
  };
  starts.forEach(visit);
  return reached;
}

const unknownStage = (option: string, id: string, known: readonly string[]) => {
  const near = nearest(id, known);
  return new NoSuchStage({
    key: option,
    wanted: `a stage of this pipeline (${known.join(", ")})`,
    found: id,
    fix: near === undefined ? "Name one of them." : `Did you mean ${near}?`,
  });
};

export function select(
  wired: readonly Wired[],
  { force = false, cache = true, ...named }: Selectors,
): Effect.Effect<Selection, Fault> {
  const ids = wired.map(({ id }) => id);
  const [from, until, only] = [named.from ?? [], named.until ?? [], named.only ?? []]
    .map((names) => [names].flat());
  const faults: Fault[] = Object.entries({ "--from": from, "--until": until, "--only": only })
    .flatMap(([option, names]) =>
      names.filter((id) => !ids.includes(id)).map((id) => unknownStage(option, id, ids))
    );
  if (only.length > 0 && from.length + until.length > 0) {
    faults.push(
      new SelectorFault({
        key: "--only",
        wanted: "--only by itself: it names every stage that runs",
        found: `it beside ${from.length > 0 ? "--from" : "--until"}`,
        fix: "Give one of the two; --only may be repeated.",
      }),
    );
  }
  if (faults.length > 0) return Effect.fail(allFaults(faults));

  const above = (id: string) =>
    Object.values(wired.find((each) => each.id === id)!.reads).map(({ stage }) => stage);
  const below = (id: string) =>
    wired.filter(({ reads }) => Object.values(reads).some(({ stage }) => stage === id))
      .map((each) => each.id);
  /** What is above some of these, without these. */
  const before = (names: readonly string[]) =>
    [...closure(names, above)].filter((each) => !names.includes(each));

  if (only.length > 0) {
    return Effect.succeed({
      included: closure(only, above),
      given: new Set(before(only)),
      forced: new Map(only.map((id) => [id, "--only"])),
      cache,
    });
  }
  const included = until.length === 0 ? new Set(ids) : closure(until, above);
  const forced = new Map(force ? [...included].map((id) => [id, "--force"]) : []);
  if (from.length === 0) {
    return Effect.succeed({ included, given: new Set<string>(), forced, cache });
  }
  const again = closure(from, below);
  for (const id of again) if (included.has(id)) forced.set(id, "--from");
  const given = new Set(before(from).filter((id) => !again.has(id)));
  return Effect.succeed({ included, given, forced, cache });
}
