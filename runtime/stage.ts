// The contract of a stage: what it is called, what it reads and writes, its options, and `run`.
// Built-in stages and a stranger's file are the same thing. A stage knows artefacts, not files, and
// never asks where it runs or what ran before; what it needs of the world comes through `StageTools`.
// The trap: raise `version` whenever the same inputs and options would give other results.
import type { Effect, Schema, Stream } from "effect";
import type { Fault } from "../engine/fault.ts";
import type { AnyArtefactType, ArtefactType, Blob } from "./artefact.ts";
import type { RunEvent } from "./events.ts";

/** What a stage may ask of its surroundings. */
export interface StageTools {
  /** The run's seed, resolved. All randomness derives from it (engine/random). */
  readonly seed: number;
  /** The folder of the run: long-lived state, checkpoints, pictures. Caches do not belong here. */
  readonly runDir: string;
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
  /** Publishes to the one stream of events. Never fails. */
  readonly emit: (event: RunEvent) => Effect.Effect<void>;
  /** A fractional progress of this stage, for the terminal and the page. */
  readonly progress: (done: number, total: number, unit: string) => Effect.Effect<void>;
}

/** What a stage gets for an artefact it reads, and gives for one it writes. */
export type Carried<T> = T extends ArtefactType<string, infer A>
  ? T extends { readonly kind: "stream" } ? Stream.Stream<A, Fault> : A
  : never;

export type Carrieds<Ports extends Record<string, AnyArtefactType>> = {
  readonly [Port in keyof Ports]: Carried<Ports[Port]>;
};

/** Only "value" ports are returned; a stream port is written through `emitTo`. */
export type Results<Ports extends Record<string, AnyArtefactType>> = {
  readonly [Port in keyof Ports as Ports[Port] extends { readonly kind: "stream" } ? never : Port]:
    Carried<Ports[Port]>;
};

export type Outlets<Ports extends Record<string, AnyArtefactType>> = {
  readonly [Port in keyof Ports as Ports[Port] extends { readonly kind: "stream" } ? Port : never]:
    Ports[Port] extends ArtefactType<string, infer A> ? (element: A) => Effect.Effect<void> : never;
};

export interface Stage<
  Options,
  Reads extends Record<string, AnyArtefactType>,
  Writes extends Record<string, AnyArtefactType>,
> {
  readonly name: string;
  /** Raised when results change; part of the fingerprint. */
  readonly version: number;
  readonly summary: string;
  /** Decodes the stage's slice of the configuration. */
  readonly options: Schema.Codec<Options, any>;
  readonly reads: Reads;
  readonly writes: Writes;
  /**
   * Outside inputs beyond options and artefacts whose content decides the result (picture files,
   * weights): a cheap JSON value, hashed into the fingerprint. Must not do the work itself.
   */
  readonly inputs?: (options: Options, tools: { seed: number }) => Effect.Effect<unknown, Fault>;
  /** "cached": result kept in the store. "run": belongs to the run, resumes by its own state. */
  readonly lifetime: "cached" | "run";
  /** Exclusive resources it takes, e.g. { device: 1 }. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Deeper check of options before any stage runs (files exist, token counts): all faults at once. */
  readonly preflight?: (options: Options) => Effect.Effect<readonly Fault[], never>;
  readonly run: (context: {
    readonly options: Options;
    readonly inputs: Carrieds<Reads>;
    readonly outlets: Outlets<Writes>;
    readonly tools: StageTools;
  }) => Effect.Effect<Results<Writes>, Fault>;
}

export type AnyStage = Stage<any, any, any>;

/** Declares a stage; only there for inference. */
export const defineStage = <
  Options,
  const Reads extends Record<string, AnyArtefactType>,
  const Writes extends Record<string, AnyArtefactType>,
>(stage: Stage<Options, Reads, Writes>): Stage<Options, Reads, Writes> => stage;
