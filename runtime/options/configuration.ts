// What the runner needs of a configuration, whatever is run: the values that stages take their options
// from, what of them names a run, and where results go. An app reads it (runtime/app.ts).
// The trap: `values` is plain JSON; `seed` in it may be null until the run's manifest has one, and late
// options at their default are not in it (stages decode the default), so that old results keep their bytes.
import type { Source } from "../../lib/source.ts";
import type { Places, RunInfo } from "../stage.ts";

/** A mapping of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Where a configuration comes from; each layer goes over those above it. */
export interface ConfigLayers {
  /** The pipeline file's `config:` part (`within(parsed, "config")`). */
  readonly pipeline?: Source;
  /** The paths of `--config` files; each goes over those before it. */
  readonly file?: string | readonly string[];
  /** `--set` arguments, each `a.b=value`. */
  readonly set?: readonly string[];
  /** `--seed`, as typed. */
  readonly seed?: string;
  /** `--output`: the base folder. */
  readonly output?: string;
}

/** A configuration that was read and found right. */
export interface Configuration {
  /** All options, as the stages take them. */
  readonly values: JsonObject;
  /** The keys that say where results go: no part of what a result says about itself. */
  readonly targetKeys: readonly string[];
  /** Where on this machine what goes in is found: a result says of each the last part. */
  readonly places: Places;
  /**
   * Keys that no result depends on: where inputs are (what they are is asked of them by each stage's
   * `inputs`), how many workers there are, and late options at their default. Neither fingerprints nor names a run.
   */
  readonly unhashed: readonly string[];
  /** The values that change the data or the objective. */
  readonly identity: JsonObject;
  /** What is to be said of it. */
  readonly notes: readonly string[];
  /** What else is to be said once the steps have said what goes in. */
  readonly notesOnInputs?: (inputs: RunInfo["inputs"]) => readonly string[];
  /** The folder of runs. */
  readonly base: string;
  /** What result files and the run folder are named by. */
  readonly trigger: string;
  /** Null: to be drawn. */
  readonly seed: number | null;
  /** How many the run is to take; null: it counts none. */
  readonly steps: number | null;
  /**
   * What is left open until the stages were asked for the world they need (how many pictures there are):
   * values to put in, and what to say of them. `kept` are the run's own values, where there is a run.
   */
  readonly settle?: (
    worlds: ReadonlyMap<string, unknown>,
    kept: JsonObject | null,
  ) => { readonly values: JsonObject; readonly notes: readonly string[] };
  /** The keys that say how long; the first counts steps. A run may be made longer by them (`--extend`). */
  readonly lengthKeys: readonly string[];
  /** Why another length makes another run; null if it does not. */
  readonly lengthMatters: string | null;
}
