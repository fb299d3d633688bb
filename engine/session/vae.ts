// The VAE on a device, both ways, and what it falls back to: SDXL's overflows in float16 (its activations
// pass 65504) and is computed again in float32; where memory runs out it goes on in tiles.
// The trap: whichever it fell back to holds from then on, so that all pictures are computed alike.
import { DeviceMemoryFault } from "../device/device-fault.ts";
import type { Tensor } from "../device/messages.ts";
import type { DType } from "../graph/graph.ts";
import { inTiles, tilingOf, type VaeWork } from "../memory/vae-tiles.ts";
import type { VaeConfig } from "../networks/config.ts";
import { tensor } from "./batch.ts";
import type { SessionPool } from "./session-pool.ts";

export interface VaeOptions {
  readonly config: VaeConfig;
  readonly pool: SessionPool;
  readonly compute: DType;
  /** What is done in tiles from the start. */
  readonly tiles: readonly VaeWork[];
  readonly say: (text: string) => void;
}

/** The posterior's moments, each [B, 4, h, w], not scaled. */
export interface Moments {
  /** Of the latents. */
  readonly mean: Tensor;
  /** The logarithm of their variance, between -30 and 20. */
  readonly logvar: Tensor;
}

export class Vae {
  readonly #options: VaeOptions;
  readonly #tiled: Set<VaeWork>;
  #compute: DType;

  constructor(options: VaeOptions) {
    this.#options = options;
    this.#tiled = new Set(options.tiles);
    this.#compute = options.compute;
  }

  /** The type that its graphs are built for now. */
  get compute(): DType {
    return this.#compute;
  }

  /** Pixels [B, 3, H, W] in -1..1. */
  async encode(pixels: Tensor): Promise<Moments> {
    const { data, dims } = await this.#run("encode", pixels);
    const shape = [dims[0], dims[1] / 2, dims[2], dims[3]];
    const size = shape[1] * shape[2] * shape[3];
    const half = (offset: number) => {
      const part = new Float32Array(shape[0] * size);
      for (let b = 0; b < shape[0]; b++) {
        part.set(data.subarray((2 * b + offset) * size, (2 * b + offset + 1) * size), b * size);
      }
      return tensor(part, shape);
    };
    return { mean: half(0), logvar: half(1) };
  }

  /** Latents [B, 4, h, w], not scaled, to pixels [B, 3, 8h, 8w] around -1..1. */
  decode(latents: Tensor): Promise<Tensor> {
    return this.#run("decode", latents);
  }

  async #run(work: VaeWork, whole: Tensor): Promise<Tensor> {
    const { config, pool, say } = this.#options;
    const run = async (part: Tensor): Promise<Tensor> => {
      const [batch, , height, width] = part.dims;
      const session = await pool.get(work, { batch, height, width });
      return Object.values(await session.run({ pixels: part, latents: part }))[0];
    };
    try {
      const result =
        await (this.#tiled.has(work) ? inTiles(whole, tilingOf(work, config), run) : run(whole));
      if (this.#compute === "float32" || !overflows(result.data)) return result;
      this.#compute = "float32";
      say("The VAE overflows in float16; it is computed in float32.");
    } catch (error) {
      if (!(error instanceof DeviceMemoryFault) || this.#tiled.has(work)) throw error;
      this.#tiled.add(work);
      say(`Memory ran out in the VAE (${error.found}); it ${work}s in tiles.`);
    }
    await pool.release("encode", "decode");
    return this.#run(work, whole);
  }
}

/** Not a number, or at float16's largest. */
const overflows = (values: Float32Array): boolean =>
  values.some((value) => !(Math.abs(value) < 65504));
