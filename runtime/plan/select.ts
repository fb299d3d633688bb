// Which stages a command means: `--from`, `--until`, `--only`, `--force`, `--no-cache` as sets of ids.
// The trap: what stands before `--from` or `--only` is not made; it must be in the store already.
import { Effect } from "effect";
import { allFaults, type Fault, fault } from "../../lib/fault.ts";
import { nearest } from "../../lib/nearest.ts";
import type { Wired } from "../pipeline/wiring.ts";

export class NoSuchStage extends fault("NoSuchStage", "user") {}

export interface Selectors {
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly only?: string | undefined;
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

/** The stages that `start` reaches in one direction, itself included. */
function closure(start: string, next: (id: string) => readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (id: string) => {
    if (reached.has(id)) return;
    reached.add(id);
    next(id).forEach(visit);
  };
  visit(start);
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
  { from, until, only, force = false, cache = true }: Selectors,
): Effect.Effect<Selection, Fault> {
  const ids = wired.map(({ id }) => id);
  const faults = Object.entries({ "--from": from, "--until": until, "--only": only })
    .flatMap(([option, id]) =>
      id === undefined || ids.includes(id) ? [] : [unknownStage(option, id, ids)]
    );
  if (faults.length > 0) return Effect.fail(allFaults(faults));

  const above = (id: string) =>
    Object.values(wired.find((each) => each.id === id)!.reads).map(({ stage }) => stage);
  const below = (id: string) =>
    wired.filter(({ reads }) => Object.values(reads).some(({ stage }) => stage === id))
      .map((each) => each.id);
  const before = (id: string) => [...closure(id, above)].filter((each) => each !== id);

  if (only !== undefined) {
    const given = new Set(before(only));
    return Effect.succeed({
      included: new Set([only, ...given]),
      given,
      forced: new Map([[only, "--only"]]),
      cache,
    });
  }
  const included = until === undefined ? new Set(ids) : closure(until, above);
  const forced = new Map(force ? [...included].map((id) => [id, "--force"]) : []);
  if (from === undefined) {
    return Effect.succeed({ included, given: new Set<string>(), forced, cache });
  }
  for (const id of closure(from, below)) if (included.has(id)) forced.set(id, "--from");
  return Effect.succeed({ included, given: new Set(before(from)), forced, cache });
}
