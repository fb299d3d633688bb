// What the side that runs ONNX Runtime is told and answers. Plain data, so that it crosses threads and
// processes.
import type { Provider } from "./providers.ts";

/** Numbers with a shape, as the engine takes and gives them. */
export interface Tensor {
  /** Whatever the device computes in. */
  readonly type: "float32";
  /** The sides, slowest first, e.g. [batch, channels, height, width]. */
  readonly dims: readonly number[];
  /** As many values as the product of `dims`. */
  readonly data: Float32Array;
}

export type Feeds = Readonly<Record<string, Tensor>>;
export type Fetches = Readonly<Record<string, Tensor>>;

export interface SessionSettings {
  readonly provider: Provider;
  /** Which of several cards, as ONNX Runtime counts them; by default the first, or the driver's choice. */
  readonly deviceId?: number;
  /** Threads that one operator may use. */
  readonly threads: number;
  /** Keep weights mapped in the file, rather than packed copies of them that multiply faster. */
  readonly mapWeights: boolean;
  /**
   * Keep what a session allocated for its next run (by default): a twentieth faster, but each session
   * keeps its own. Without it the sessions of many sizes share the process's memory.
   */
  readonly keepMemory?: boolean;
}

export type Request =
  | {
    readonly kind: "create";
    readonly id: number;
    readonly session: string;
    readonly model: Uint8Array;
    readonly folder: string;
    readonly settings: SessionSettings;
    /** Let ONNX Runtime prepare the graph for speed on the CPU; everywhere else it always does. */
    readonly optimised: boolean;
    /** Note where each node ran, for `placement`. */
    readonly profiled?: boolean;
  }
  | { readonly kind: "run"; readonly id: number; readonly session: string; readonly feeds: Feeds }
  | { readonly kind: "placement"; readonly id: number; readonly session: string }
  | { readonly kind: "release"; readonly id: number; readonly session: string };

/** How many nodes of an operator ran on which execution provider of ONNX Runtime's. */
export interface Placed {
  readonly op: string;
  readonly provider: string;
  readonly count: number;
}

export type Reply =
  | { readonly id: number; readonly placed: readonly Placed[] }
  | { readonly id: number; readonly fetches?: Fetches }
  | { readonly id: number; readonly error: string };
