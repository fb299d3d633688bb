// The engine as a library: a model on a device, typed arrays in, typed arrays out. One session per graph
// and size is compiled, kept and used again. The trap: nothing here decides what to train on; captions,
// noise, timesteps and weights come from the caller.
import { attentionBytesOf, keepOf, type MemoryPlan, smallerPlan } from "./memory/memory-plan.ts";
import { inTiles, tilingOf, type VaeWork } from "./memory/vae-tiles.ts";
import { sinusoidalEmbedding } from "./diffusion/sinusoidal.ts";
import type { Loader, Session } from "./device/device.ts";
import { DeviceMemoryFault } from "./device/device-fault.ts";
import type { Feeds, Fetches, Tensor } from "./device/messages.ts";
import { either } from "./graph/either.ts";
import type { DType, Graph } from "./graph/graph.ts";
import * as graphs from "./networks/graphs.ts";
import { poolingMatrix, poolingOf, type PoolingRule } from "./text/pooling.ts";
import { TokenEmbeddings } from "./text/token-embeddings.ts";
import type { Model } from "./weights/model.ts";

export interface EngineOptions {
  readonly model: Model;
  readonly device: Loader;
  /** The type that activations are computed in; losses, statistics and rows are wider. */
  readonly compute: DType;
  /** Where an allocation fails all the same, the next plan is taken, and said. */
  readonly plan: MemoryPlan;
  /** What the VAE does in tiles; where memory runs out it takes to them by itself. */
  readonly tiles?: readonly VaeWork[];
  /** How many sizes' training graphs are kept compiled; by default all. The one used last goes last. */
  readonly trainingSessions?: number;
  /** No memory is left to draw in while the training's sessions hold theirs. */
  readonly tight?: boolean;
  /** By default what text encoder 2's config asks for. */
  readonly pooling?: PoolingRule;
  /** Told, once, what a user should know of how it is computed. */
  readonly say?: (text: string) => void;
}

/** Captions as token ids; ids at or above the vocabulary's size are rows, n * width values. */
export interface Captions {
  readonly ids1: readonly (readonly number[])[];
  readonly ids2: readonly (readonly number[])[];
  readonly rows1: ArrayLike<number>;
  readonly rows2: ArrayLike<number>;
}

export interface Conditioning {
  /** [B, 77, D]. */
  readonly context: Tensor;
  /** [B, P]. */
  readonly pooled: Tensor;
}

export interface Denoising {
  readonly timesteps: readonly number[];
  /** Per item: original height and width, crop top and left, target height and width, in pixels. */
  readonly timeIds: readonly (readonly number[])[];
}

export interface TrainingBatch extends Captions, Denoising {
  /** [B, 4, h, w]: what the UNet sees, and what it should answer. */
  readonly noisy: Tensor;
  readonly target: Tensor;
  /** [B, 1, h, w]: loss = sum(weight (prediction - target)^2). */
  readonly weight: Tensor;
}

export interface StepResult {
  readonly loss: number;
  /** Gradients of the rows, n * width. */
  readonly grad1: Float64Array;
  readonly grad2: Float64Array;
}

export const tensor = (data: Float32Array, dims: readonly number[]): Tensor => ({
  type: "float32",
  dims,
  data,
});

const one = (value: number): Tensor => tensor(Float32Array.of(value), [1]);

export class Engine {
  readonly model: Model;
  readonly device: Loader;
  readonly tokens: readonly [TokenEmbeddings, TokenEmbeddings];
  readonly #options: EngineOptions;
  readonly #sessions = new Map<string, Promise<Session>>();
  /** The VAE's own, because SDXL's overflows in float16 (its activations pass 65504). */
  #vaeCompute: DType;
  #plan: MemoryPlan;
  readonly #tiled: Set<VaeWork>;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.model = options.model;
    this.device = options.device;
    this.#vaeCompute = options.compute;
    this.#plan = options.plan;
    this.#tiled = new Set(options.tiles);
    const { textEncoder, textEncoder2 } = options.model.weights;
    const name = "text_model.embeddings.token_embedding.weight";
    this.tokens = [
      new TokenEmbeddings(textEncoder.get(name)!),
      new TokenEmbeddings(textEncoder2.get(name)!),
    ];
  }

  /** The plan in use: the one asked for, or a smaller one since memory ran out. */
  get plan(): MemoryPlan {
    return this.#plan;
  }

  /** Whether training has to make room (`release`) before pictures are drawn. */
  get tight(): boolean {
    return this.#options.tight === true || this.#plan !== this.#options.plan;
  }

  /** Hidden states of both encoders as the UNet takes them, and apart (hidden1, hidden2). */
  async encodeText(
    captions: Captions,
  ): Promise<Conditioning & { hidden1: Tensor; hidden2: Tensor }> {
    const feeds = await this.#textFeeds(captions);
    const session = await this.#session("text", { batch: captions.ids1.length });
    const { context, pooled, hidden1, hidden2 } = await session.run(feeds);
    return { context, pooled, hidden1, hidden2 };
  }

  /** The UNet's prediction for latents [B, 4, h, w]. */
  async predict(latents: Tensor, denoising: Denoising, text: Conditioning): Promise<Tensor> {
    const session = await this.#session("predict", sizeOf(latents));
    const feeds = { latents, ...this.#sinusoids(denoising), ...text };
    return (await session.run(feeds)).prediction;
  }

  /**
   * Loss and the gradients of the placeholder's rows. `following` is the size of the step after this one:
   * its graph is built while this one computes, and compiled before the device is idle.
   */
  async trainStep(batch: TrainingBatch, following?: graphs.Size): Promise<StepResult> {
    let scale = this.#options.compute === "float16" ? batch.noisy.data.length : 1;
    // A float16 gradient that overflows is computed again with a smaller scale; where even that fails,
    // the caller sees what is not finite.
    for (;; scale /= 16) {
      const feeds = await this.#trainingFeeds(batch, scale);
      const size = sizeOf(batch.noisy);
      const out = await this.#train(size, { ...feeds, choice: one(1) }, following);
      const grads = [out.gradient1.data, out.gradient2.data];
      if (scale <= 1 || grads.every((gradient) => gradient.every(Number.isFinite))) {
        const [grad1, grad2] = ([0, 1] as const).map((i) => {
          const rows = batch[i === 0 ? "rows1" : "rows2"].length / this.tokens[i].width;
          const ids = batch[i === 0 ? "ids1" : "ids2"];
          return this.tokens[i].gather(ids, grads[i], rows).map((value) => value / scale);
        });
        return { loss: out.loss.data[0] / scale, grad1, grad2 };
      }
    }
  }

  /** The loss alone, at about a third of a step's cost. */
  async loss(batch: TrainingBatch): Promise<number> {
    const feeds = await this.#trainingFeeds(batch, 1);
    return (await this.#train(sizeOf(batch.noisy), { ...feeds, choice: one(0) })).loss.data[0];
  }

  /** Pixels [B, 3, H, W] in -1..1 to the posterior's moments, each [B, 4, h, w], not scaled. */
  async encodeImage(pixels: Tensor): Promise<{ mean: Tensor; logvar: Tensor }> {
    const { data, dims } = await this.#vae("encode", pixels);
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
  decodeLatents(latents: Tensor): Promise<Tensor> {
    return this.#vae("decode", latents);
  }

  /** Compiles the training graph of a size ahead of its first step, where memory holds one more. */
  async prepareTraining(size: graphs.Size): Promise<void> {
    const most = this.#options.trainingSessions ?? Infinity;
    if (this.#trainingKeys().length < most) await this.#session("train", size);
  }

  /** Frees the sessions whose graphs are of these kinds. */
  async release(...kinds: readonly GraphKind[]): Promise<void> {
    for (const [key, session] of this.#sessions) {
      if (!kinds.includes(key.split(" ")[0] as GraphKind)) continue;
      this.#sessions.delete(key);
      await session.then((loaded) => loaded.release(), () => {});
    }
  }

  close(): Promise<void> {
    return this.device.close();
  }

  async #train(size: graphs.Size, feeds: Feeds, following?: graphs.Size): Promise<Fetches> {
    try {
      const session = await this.#trainingSession(size);
      const running = session.run(feeds);
      // What fails here fails again, and is told, in the step that needs it.
      if (following !== undefined) this.prepareTraining(following).catch(() => {});
      return await running;
    } catch (error) {
      const next = smallerPlan(this.#plan);
      if (!(error instanceof DeviceMemoryFault) || next === undefined) throw error;
      this.#options.say?.(
        `Memory ran out under memory plan ${this.#plan} (${error.found}); plan ${next} from now on.`,
      );
      this.#plan = next;
      await this.release("train");
      return this.#train(size, feeds);
    }
  }

  /**
   * Runs the VAE. What overflows in float16 is computed again in float32, and where memory runs out again
   * in tiles, from then on always.
   */
  async #vae(work: VaeWork, whole: Tensor): Promise<Tensor> {
    const run = async (part: Tensor): Promise<Tensor> => {
      const session = await this.#session(work, sizeOf(part));
      return Object.values(await session.run({ pixels: part, latents: part }))[0];
    };
    const tiling = tilingOf(work, this.model.configs.vae);
    try {
      const result = await (this.#tiled.has(work) ? inTiles(whole, tiling, run) : run(whole));
      if (this.#vaeCompute === "float32" || !overflows(result.data)) return result;
      this.#vaeCompute = "float32";
      this.#options.say?.("The VAE overflows in float16; it is computed in float32.");
    } catch (error) {
      if (!(error instanceof DeviceMemoryFault) || this.#tiled.has(work)) throw error;
      this.#tiled.add(work);
      this.#options.say?.(`Memory ran out in the VAE (${error.found}); it ${work}s in tiles.`);
    }
    await this.release("encode", "decode");
    return this.#vae(work, whole);
  }

  /** Makes room first, where not all sizes' graphs are kept. */
  async #trainingSession(size: graphs.Size): Promise<Session> {
    const most = this.#options.trainingSessions ?? Infinity;
    const wanted = keyOf("train", size);
    const session = this.#sessions.get(wanted);
    if (session !== undefined) {
      this.#sessions.delete(wanted);
      this.#sessions.set(wanted, session);
      return session;
    }
    const held = this.#trainingKeys();
    for (const key of held.slice(0, Math.max(0, held.length + 1 - most))) {
      const old = this.#sessions.get(key)!;
      this.#sessions.delete(key);
      await old.then((loaded) => loaded.release(), () => {});
    }
    return this.#session("train", size);
  }

  /** Of the training graphs held, the one used last at the end. */
  #trainingKeys(): readonly string[] {
    return [...this.#sessions.keys()].filter((key) => key.startsWith("train "));
  }

  #session(kind: GraphKind, size: Partial<graphs.Size>): Promise<Session> {
    const key = keyOf(kind, size);
    const held = this.#sessions.get(key);
    if (held !== undefined) return held;
    const isVae = kind === "encode" || kind === "decode";
    const session = this.device.load(this.#graph(kind, size as graphs.Size), isVae);
    this.#sessions.set(key, session);
    session.catch(() => this.#sessions.delete(key));
    return session;
  }

  #graph(kind: GraphKind, size: graphs.Size): Graph {
    const { model, compute } = this.#options;
    switch (kind) {
      case "text":
        return graphs.textGraph(model, size.batch, compute);
      case "predict":
        return graphs.predictionGraph(model, size, compute);
      case "encode":
        return graphs.encodeGraph(model, size, this.#vaeCompute);
      case "decode":
        return graphs.decodeGraph(model, size, this.#vaeCompute);
      case "train": {
        const plan = this.#plan;
        const attentionBytes = attentionBytesOf(plan, this.device.provider);
        return either(
          graphs.trainGraph(model, size, { keep: keepOf(plan), attentionBytes, compute }),
          graphs.lossGraph(model, size, compute),
        );
      }
    }
  }

  async #textFeeds({ ids1, ids2, rows1, rows2 }: Captions) {
    const rule = this.#options.pooling ?? poolingOf(this.model.configs.textEncoder2);
    return {
      embeddings1: await this.tokens[0].lookUp(ids1, rows1),
      embeddings2: await this.tokens[1].lookUp(ids2, rows2),
      pool: poolingMatrix(ids2, rule),
    };
  }

  #sinusoids({ timesteps, timeIds }: Denoising) {
    const { unet } = this.model.configs;
    const embed = (values: readonly number[], width: number) =>
      sinusoidalEmbedding(values, width, {
        flipSinToCos: unet.flip_sin_to_cos,
        freqShift: unet.freq_shift,
      });
    const time = unet.block_out_channels[0];
    const added = unet.addition_time_embed_dim;
    return {
      timestep_embedding: tensor(embed(timesteps, time), [timesteps.length, time]),
      time_ids_embedding: tensor(embed(timeIds.flat(), added), [timeIds.length, 6 * added]),
    };
  }

  async #trainingFeeds(batch: TrainingBatch, scale: number) {
    const weight = scale === 1
      ? batch.weight
      : tensor(batch.weight.data.map((value) => value * scale), batch.weight.dims);
    return {
      ...await this.#textFeeds(batch),
      ...this.#sinusoids(batch),
      latents: batch.noisy,
      target: batch.target,
      weight,
    };
  }
}

export type GraphKind = "text" | "predict" | "train" | "encode" | "decode";

const keyOf = (kind: GraphKind, { batch, height, width }: Partial<graphs.Size>): string =>
  `${kind} ${batch} ${height} ${width}`;

/** Not a number, or at float16's largest. */
const overflows = (values: Float32Array): boolean =>
  values.some((value) => !(Math.abs(value) < 65504));

const sizeOf = ({ dims }: Tensor): graphs.Size => ({
  batch: dims[0],
  height: dims[2],
  width: dims[3],
});
