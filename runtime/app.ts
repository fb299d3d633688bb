// The one seam between the runner and what is run: what a kind of pipeline brings. The runner plans, caches,
// resumes, locks and logs; it knows no training.
// The trap: everything here is asked for in a dry run too, so nothing may write, and `facts` may not use the
// network when `offline`.
import type { Effect, Schema } from "../lib/effect.ts";
import type { Fault } from "../lib/fault.ts";
import type { OwnRequest } from "./control.ts";
import type { EventKinds, UnstampedEvent } from "./events.ts";
import type { ConfigLayers, Configuration, JsonObject } from "./options/configuration.ts";
import type { OptionRow } from "./options/option-table.ts";
import type { PipelineStep } from "./pipeline/pipeline.ts";

/** A kind of pipeline, as the runner sees it. */
export interface App {
  /** As a pipeline file names it (`app:`). */
  readonly name: string;
  /** Its stages by name, each as the module that exports it. */
  readonly stages: Readonly<Record<string, () => Promise<unknown>>>;
  /** What a stage file from outside the project is handed beside the runner's own (toolkit.ts). */
  readonly toolkit: () => Promise<object>;
  /** What `type` in a configuration says that it is for this app, beside the use of its stages. */
  readonly configurationType: string | null;
  /**
   * Every option that its configuration may hold, for who explains it; left out: what its stages take.
   * @internal
   */
  readonly options?: () => readonly OptionRow[];
  /** Fails with all findings. */
  readonly readConfiguration: (wish: ConfigurationWish) => Effect.Effect<Configuration, Fault>;
  /** What of its surroundings it wants noted and its stages told. */
  readonly facts: (wish: FactsWish) => Effect.Effect<Facts, Fault>;
  /** The events that its stages share; a stage may register more. */
  readonly events: EventKinds;
  /** What a run may be asked for beside stopping, which is the runner's. */
  readonly requests: Schema.Codec<OwnRequest, any> | null;
  /** Answers a request that no stage answers; what it gives is published. */
  readonly answer: (
    runDir: string,
    request: OwnRequest,
  ) => Effect.Effect<UnstampedEvent | undefined, Fault>;
  /** Whether a file at the top of a run folder is a result. */
  readonly isResult: (name: string) => boolean;
}

/** What an app reads a configuration from. */
export interface ConfigurationWish {
  /** Each goes over those above it. */
  readonly layers: ConfigLayers;
  /** The pipeline's name. */
  readonly pipeline: string;
  /** Its stages, as far as they were found. */
  readonly steps: readonly PipelineStep[];
}

/** What an app is told of a run when its surroundings are looked at. */
export interface FactsWish {
  /** As it was read. */
  readonly configuration: Configuration;
  /** The configuration with the seed that is used. */
  readonly values: JsonObject;
  /** What its stages say of the world outside, by name. */
  readonly worlds: ReadonlyMap<string, unknown>;
  /** What the run's manifest holds of an earlier attempt; null: a new run. */
  readonly kept: { readonly device: string | null; readonly facts: JsonObject } | null;
  /** False: no selected stage works in a run folder. */
  readonly needsRun: boolean;
  /** A dry run: everything that could be chosen is of interest, and the network is off limits. */
  readonly offline: boolean;
}

/** What of its surroundings a run goes by. */
export interface Facts {
  /** What it computes on; null: on nothing in particular. Kept in the manifest. */
  readonly device: string | null;
  /** Kept in the manifest, for later attempts. */
  readonly kept: JsonObject;
  /** Laid over the configuration, and part of what results say of themselves. */
  readonly values: JsonObject;
  /** Laid over it for the stages alone. */
  readonly stageValues: JsonObject;
  /** For the plan and those who print it. */
  readonly shown: Readonly<Record<string, Schema.Json>>;
  /** What is to be said of them once. */
  readonly notes: readonly string[];
  /** Why the run cannot begin here, though it may elsewhere; undefined: nothing stands against it. */
  readonly refusal: Fault | undefined;
}

/** Nothing is noted, nothing is computed on. */
export const noFacts: Facts = {
  device: null,
  kept: {},
  values: {},
  stageValues: {},
  shown: {},
  notes: [],
  refusal: undefined,
};
