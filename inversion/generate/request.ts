// What pictures are asked for, what is wrong with that, what is made, and who hears of it.
import type { SamplerName } from "../../engine/diffusion/samplers/samplers.ts";
import { fault } from "../../lib/fault.ts";
import type { EngineChoice } from "../model/open-engine.ts";
import type { PoolingName } from "../model/pooling.ts";

export class GenerateFault extends fault("GenerateFault", "user") {}

/** Programs that draw as one can ask for, and what in a picture hangs on the program. */
export const drawers = {
  invokeai: { pooling: "argmax", emptyIsZeros: true },
  diffusers: { pooling: "argmax", emptyIsZeros: true },
  comfyui: { pooling: "end_token", emptyIsZeros: false },
  a1111: { pooling: "end_token", emptyIsZeros: true },
  forge: { pooling: "end_token", emptyIsZeros: true },
} as const satisfies Record<
  string,
  {
    readonly pooling: PoolingName;
    /** Without a negative prompt the unconditional text is zeros; else it is an empty text. */
    readonly emptyIsZeros: boolean;
  }
>;
export type Drawer = keyof typeof drawers;

export interface GenerateRequest {
  readonly prompt: string;
  readonly negative: string | null;
  /** FILE or word=FILE each. */
  readonly embeddings: readonly string[];
  /** Null: as the embeddings say. */
  readonly model: string | null;
  /** In the place of the configuration's `model_config` and `vae_model`; null: as it says. */
  readonly modelConfig: string | null;
  readonly vae: string | null;
  /** The program to draw as; null: as the model's config has it, or the training of the embedding. */
  readonly as: Drawer | null;
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidance: number;
  readonly seed: number;
  /** In pixels; null: the size that the embedding was trained at, else the model's own. */
  readonly size: readonly [height: number, width: number] | null;
  readonly count: number;
  readonly format: "png" | "jpg";
  readonly out: string;
  readonly provider: EngineChoice["provider"];
  /** Which of several cards: a number, or a part of its name; null: the strongest. */
  readonly device?: string | null;
  readonly threads: number | null;
}

export interface Generated {
  readonly path: string;
  readonly height: number;
  readonly width: number;
  readonly seed: number;
  /** Of those of one seed, from 0. */
  readonly picture: number;
}

export interface Listener {
  /** What to know, in a sentence. */
  readonly say: (text: string) => void;
  /** Sampler steps of all pictures, or bytes of a download. */
  readonly progress: (done: number, total: number, unit: string) => void;
  readonly made: (picture: Generated) => void;
}
