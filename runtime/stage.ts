// The contract of a stage: what it is called, what it reads and writes, its options, and `run`.
// Built-in stages and a stranger's file are the same thing. A stage knows artefacts, not files, and
// never asks where it runs or what ran before; what it needs of the world comes through `StageTools`.
// The trap: raise `version` whenever the same inputs and options would give other results.
//
// A value may be shown before it is whole (`drafted`, artefact.ts). Drafts are in memory alone: after a resume
// its writer shows them again, and what is handed on for good is what it returns.
//
// A stage that names `seed` in its options gets the resolved seed there (and in its fingerprint).
// Stream elements are durable: each is in a log of the run before `writers.x(element)` returns, a
// reader is given all of them again after a resume or a retry, and one that is in the log already is
// not delivered twice. So a reader skips what it has done, and a writer may repeat what it has said.
import type { Scope } from "effect";
import type { Effect, Schema, Stream } from "../lib/effect.ts";
import type { Fault } from "../lib/fault.ts";
import type { AnyArtefactType, ArtefactType, Blob } from "./artefact.ts";
import type { OwnRequest } from "./control.ts";
import type { EventKind, UnstampedEvent } from "./events.ts";
import type { RunOrigin } from "./run-folder/run-origin.ts";

/** Options that say where something is on this machine, by dotted key: of each its last part. */
export type Places = Readonly<Record<string, string>>;

/** The run that a stage works in, for what it writes about itself. Never part of a result's bytes
 * except where the file is meant to rebuild the run (configuration). */
export interface RunInfo {
  /** The run folder's name: for messages, not for results. */
  readonly name: string;
  /** The resolved configuration as JSON, without the options that say where something is. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Those, as they may be shown. */
  readonly places: Places;
  /** What each step's `inputs` said, by its id, as far as it is known. */
  readonly inputs: Readonly<Record<string, Schema.Json>>;
  /** SHA-256 of the configuration in canonical JSON. */
  readonly configurationDigest: string;
  /** This tool and its version, e.g. "gnomic 0.1.0". */
  readonly tool: string;
  /** The horizon of the rate schedule where it is not `max_train_steps` (`--extend`), else null. */
  readonly scheduleSteps: number | null;
  /** After which finished step this attempt ends with `paused(step)` (`--to-step`); null: at its end. */
  readonly toStep: number | null;
  /** What the run's state says of it (runtime/run-folder/state.ts). */
  readonly origin: RunOrigin;
}

/** What `inputs` may ask for while the run is being planned. */
export interface InputTools {
  /**
   * True in a dry run: the network is off limits. What is not on this machine then fails with
   * `NotDownloaded` (lib/fault.ts), which the plan prints instead of ending.
   */
  readonly offline: boolean;
  /** SHA-256 of a file in hex, remembered by path, size, times and inode. */
  readonly digestFile: (path: string) => Effect.Effect<string, Fault>;
  /** A download's progress. */
  readonly progress: (done: number, total: number, unit: string) => Effect.Effect<void>;
  /** What is odd about them: said with every plan, also where the result is in the store already. */
  readonly warn: (text: string) => Effect.Effect<void>;
}

/** What a "run" stage still owes to its run folder. */
export interface RemainingWork {
  /** For people, e.g. "trained to step 120 of 400", "gnome.safetensors is damaged". */
  readonly why: string;
  /** Finished steps, where the stage counts them. */
  readonly step?: number;
}

/** What a stage may ask of its surroundings. */
export interface StageTools {
  /** The run's seed, resolved. All randomness derives from it (engine/random). */
  readonly seed: number;
  /** For what the stage writes about itself. */
  readonly run: RunInfo;
  /** How many things to do at once (the pipeline file's `concurrency`, else the number of cores). */
  readonly concurrency: number;
  /**
   * Takes a turn at an exclusive resource, e.g. "device": stages that run side by side queue for it
   * in the order they came. For a stage that needs it throughout, declare `resources` instead.
   */
  readonly withResource: <A, E, R>(
    resource: string,
    effect: Effect.Effect<A, E, R>,
  ) => Effect.Effect<A, E, R>;
  /** True once Ctrl-C or `runs stop` asked for it: end at the next step with `stopped(step)`. */
  readonly stopRequested: () => boolean;
  /** What its app lets a run be asked for, and was asked for since the last call. Cheap. */
  readonly requests: () => Effect.Effect<readonly OwnRequest[]>;
  /** The folder of the run: long-lived state, checkpoints, pictures. Caches do not belong here. */
  readonly runDir: string;
  /** SHA-256 of a file in hex, remembered by path, size, times and inode. */
  readonly digestFile: (path: string) => Effect.Effect<string, Fault>;
  /** Puts bytes into the content-addressed store. */
  readonly put: (bytes: Uint8Array) => Effect.Effect<Blob, Fault>;
  /** Reads bytes back; a blob whose digest does not match is a fault that names it. */
  readonly get: (blob: Blob) => Effect.Effect<Uint8Array, Fault>;
  /**
   * Remembers parts of a stage's work across runs: `make` runs only when nothing valid is stored
   * under `key` (canonical JSON is hashed). A corrupt entry is said, and made again.
   */
  readonly memo: (
    key: unknown,
    make: Effect.Effect<Uint8Array, Fault>,
  ) => Effect.Effect<Blob, Fault>;
  /**
   * Publishes to the one stream of events: one of the runner's, the app's or the stage's own (`events`);
   * another, or one of another shape, ends the stage with a fault that says so. `at` is filled in. What is
   * said once is dropped where the log has it already, so after a resume just say it again.
   */
  readonly emit: (event: UnstampedEvent) => Effect.Effect<void>;
  /** A fractional progress of this stage, for the terminal and the page. */
  readonly progress: (done: number, total: number, unit: string) => Effect.Effect<void>;
}

/** What a stage gets for an artefact it reads, and gives for one it writes. */
export type ArtefactValue<T> = T extends ArtefactType<string, infer A>
  ? T extends { readonly kind: "stream" } ? Stream.Stream<A, Fault> : A
  : never;

/** A value while it is made. */
export interface Drafted<A> {
  /** The newest draft and those after it; none of a result that was there already. Does not end. */
  readonly drafts: Stream.Stream<A>;
  /** The value, once its writer has ended; fails where that did not end well. */
  readonly whole: Effect.Effect<A, Fault>;
}

/** What `run` gets, by port. */
export type StageInputs<Ports extends Record<string, AnyArtefactType>> = {
  readonly [Port in keyof Ports]:
    | (Ports[Port] extends { readonly drafted: true } ? Drafted<ArtefactValue<Ports[Port]>>
      : ArtefactValue<Ports[Port]>)
    | (Ports[Port] extends { readonly optional: true } ? undefined : never);
};

/** Only "value" ports are returned; a stream port is written through `writers`. */
export type Results<Ports extends Record<string, AnyArtefactType>> = {
  readonly [Port in keyof Ports as Ports[Port] extends { readonly kind: "stream" } ? never : Port]:
    ArtefactValue<Ports[Port]>;
};

/** What `run` writes its streams with, and shows drafts with, by port. */
export type OutputWriters<Ports extends Record<string, AnyArtefactType>> = {
  readonly [
    Port in keyof Ports as Ports[Port] extends
      { readonly kind: "stream" } | { readonly drafted: true } ? Port : never
  ]: Ports[Port] extends ArtefactType<string, infer A> ? (element: A) => Effect.Effect<void, Fault>
    : never;
};

/** A stage as its module exports it. */
export interface Stage<
  Options,
  Reads extends Record<string, AnyArtefactType>,
  Writes extends Record<string, AnyArtefactType>,
> {
  /** As a pipeline's `use:` names it. */
  readonly name: string;
  /** Raised when results change; part of the fingerprint. */
  readonly version: number;
  /** What it does, in a line. */
  readonly summary: string;
  /** Decodes the stage's slice of the configuration. */
  readonly options: Schema.Codec<Options, any>;
  /** Its inputs, by port. */
  readonly reads: Reads;
  /** Its outputs, by port. */
  readonly writes: Writes;
  /**
   * Outside inputs beyond options and artefacts whose content decides the result (picture files,
   * weights): a cheap JSON value, hashed into the fingerprint and into the run's identity. Must not
   * do the work itself, and holds digests and names, never absolute paths.
   */
  readonly inputs?: (options: Options, tools: InputTools) => Effect.Effect<unknown, Fault>;
  /** How two answers of `inputs` differ, in words ("4 other pictures"), for a plan that runs anew. */
  readonly describeInputs?: (before: unknown, now: unknown) => string;
  /** "cached": result kept in the store. "run": belongs to the run, resumes by its own state. */
  readonly lifetime: "cached" | "run";
  /** Its own events by their tag, beside the runner's and the app's (`eventSchema`, events.ts). */
  readonly events?: Readonly<Record<string, EventKind>>;
  /** Exclusive resources it takes for as long as it runs, e.g. { device: 1 }; none where it reads a stream. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Its failure is an event and not the run's end (of the others). The exit code still tells. */
  readonly continueOnError?: boolean;
  /** Ends by itself within a step once `tools.stopRequested()`; other stages are interrupted. */
  readonly handlesStop?: boolean;
  /**
   * Of a "run" stage: is everything that it owes to the run folder there and unharmed? Null is yes,
   * and the stage is not run if it has returned. Without it, having returned is enough. Cheap: a
   * second run of a complete training asks nothing else.
   */
  readonly remainingWork?: (
    options: Options,
    run: { readonly runDir: string; readonly seed: number; readonly info: RunInfo },
  ) => Effect.Effect<RemainingWork | null, Fault>;
  /** Deeper check of options before any stage runs (files exist, token counts): all faults at once. */
  readonly preflight?: (
    options: Options,
    tools: InputTools,
  ) => Effect.Effect<readonly Fault[], never>;
  /**
   * What can be begun before the inputs are there (a model opened, a graph compiled), so that `run` finds
   * it ready. Starts with the run, keeps what it acquires until the stage ends, and decides nothing: what
   * fails here is not told, it fails again in `run`.
   */
  readonly warmUp?: (
    options: Options,
    tools: StageTools,
  ) => Effect.Effect<unknown, Fault, Held>;
  /** The work. Gives every "value" port; a stream's elements are written meanwhile. */
  readonly run: (context: {
    readonly options: Options;
    readonly inputs: StageInputs<Reads>;
    readonly writers: OutputWriters<Writes>;
    readonly tools: StageTools;
  }) => Effect.Effect<Results<Writes>, Fault>;
}

/**
 * What `warmUp` acquires is let go of when the stage ends.
 * @internal
 */
type Held = Scope.Scope;

/** Whatever it takes, reads and writes. */
export type AnyStage = Stage<any, any, any>;

/** Declares a stage; only there for inference. */
export const defineStage = <
  Options,
  const Reads extends Record<string, AnyArtefactType>,
  const Writes extends Record<string, AnyArtefactType>,
>(stage: Stage<Options, Reads, Writes>): Stage<Options, Reads, Writes> => stage;
