// The engine as a library: a model on a device, typed arrays in, typed arrays out. Text, prediction, the
// training step and its loss are here; the VAE, the sessions and the feeds have files of their own.
// The trap: nothing here decides what to train on; captions, noise, timesteps and weights come from the
// caller.
import { DeviceMemoryFault, DeviceNumbersFault, numbersFault } from "../device/device-fault.ts";
import type { Loader } from "../device/device.ts";
import type { Feeds, Fetches, Tensor } from "../device/messages.ts";
import { conditionalGraph } from "../graph/conditional-graph.ts";
import type { DType, Graph } from "../graph/graph.ts";
import { type MemoryPlan, smallerPlan } from "../memory/memory-plan.ts";
import { takeTrainingGraphs } from "../memory/training-graphs.ts";
import type { VaeWork } from "../memory/vae-tiles.ts";
import * as graphs from "../networks/graphs.ts";
import { type Moments, Vae } from "./vae.ts";
import { poolingOf } from "../text/pooling.ts";
import { isSmall } from "../weights/small-model.ts";
import { TokenEmbeddings } from "../text/token-embeddings.ts";
import type { Model } from "../weights/model.ts";
import {
  type Captions,
  type Conditioning,
  type Denoising,
  type StepResult,
  tensor,
  type TrainingBatch,
} from "./batch.ts";
import { textFeeds, timeFeeds } from "./feeds.ts";
import { type GraphKind, SessionPool } from "./session-pool.ts";

/**
 * What an engine is made of; `prepareEngine` chooses it.
 * @internal
 */
export interface EngineOptions {
  readonly model: Model;
  readonly device: Loader;
  /** The type that activations are computed in; losses, statistics and rows are wider. */
  readonly compute: DType;
  /** Where an allocation fails all the same, the next plan is taken, and said. */
  readonly plan: MemoryPlan;
  /** What the VAE does in tiles; where memory runs out it takes to them by itself. */
  readonly tiles?: readonly VaeWork[];
  /** How many sizes' training graphs are kept compiled; by default all. */
  readonly trainingSessions?: number;
  /** No memory is left to draw in while the training's sessions hold theirs. */
  readonly tight?: boolean;
  /** There is memory for pictures to be encoded while it trains. */
  readonly encodeBeside?: boolean;
  /** Told, once, what a user should know of how it is computed. */
  readonly say?: (text: string) => void;
}

/**
 * A model on a device. Several calls may be under way at once; the device computes them one after another.
 * Each throws DeviceFault where the device fails, DeviceMemoryFault where its memory is too small.
 */
export class Engine {
  /** Of whose networks the graphs are made. */
  readonly model: Model;
  /**
   * Where it computes.
   * @internal
   */
  readonly device: Loader;
  /**
   * The vocabularies of both text encoders.
   * @internal
   */
  readonly tokens: readonly [TokenEmbeddings, TokenEmbeddings];
  readonly #options: EngineOptions;
  readonly #pool: SessionPool;
  readonly #vae: Vae;
  #plan: MemoryPlan;

  /**
   * Opens nothing yet: the graphs are compiled as they are needed.
   * @internal
   */
  constructor(options: EngineOptions) {
    this.#options = options;
    const { model, device, compute, plan, tiles = [], trainingSessions, say } = options;
    this.model = model;
    this.device = device;
    this.#plan = plan;
    const isSmallModel = isSmall(model);
    this.#pool = new SessionPool((kind, size) => {
      const isVae = kind === "encode" || kind === "decode";
      return device.load(this.#graph(kind, size), isVae || isSmallModel);
    }, trainingSessions);
    const { vae: config } = model.configs;
    this.#vae = new Vae({ config, pool: this.#pool, compute, tiles, say: say ?? (() => {}) });
    const { textEncoder, textEncoder2 } = model.weights;
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

  /** Whether pictures may be encoded, by another engine, while this one trains. */
  get encodeBeside(): boolean {
    return this.#options.encodeBeside === true && this.#plan === this.#options.plan;
  }

  /** Hidden states of both encoders as the UNet takes them, and apart (hidden1, hidden2). */
  async encodeText(
    captions: Captions,
  ): Promise<Conditioning & { hidden1: Tensor; hidden2: Tensor }> {
    const feeds = await this.#textFeeds(captions);
    const { context, pooled, hidden1, hidden2 } = await this.#withRoom(async () => {
      const session = await this.#pool.get("text", { batch: captions.ids1.length });
      return await session.run(feeds);
    });
    return { context, pooled, hidden1, hidden2 };
  }

  /** The UNet's prediction for latents [B, 4, h, w]. */
  async predict(latents: Tensor, denoising: Denoising, text: Conditioning): Promise<Tensor> {
    const times = timeFeeds(denoising, this.model.configs.unet);
    const { prediction } = await this.#withRoom(async () => {
      const session = await this.#pool.get("predict", sizeOf(latents));
      return await session.run({ latents, ...times, ...text });
    });
    return prediction;
  }

  /**
   * Loss and the gradients of the placeholder's rows. `following` is the size of the step after this one:
   * its graph is built while this one computes, and compiled before the device is idle.
   */
  async trainStep(batch: TrainingBatch, following?: graphs.Size): Promise<StepResult> {
    // Numbers that cannot be are a card's or its driver's: once more, then under plans that need less.
    for (let isAgain = false;; isAgain = true) {
      try {
        return await this.#step(batch, following);
      } catch (error) {
        if (!(error instanceof DeviceNumbersFault)) throw error;
        const next = isAgain ? smallerPlan(this.#plan) : this.#plan;
        if (next === undefined) throw error;
        const how = isAgain ? `under memory plan ${next} from now on` : "once more";
        this.#options.say?.(`A step gave ${error.found}; it is computed ${how}.`);
        if (isAgain) {
          this.#plan = next;
          await this.release("train");
        }
      }
    }
  }

  /** Throws DeviceNumbersFault where a device other than the CPU gave what no step gives. */
  async #step(batch: TrainingBatch, following?: graphs.Size): Promise<StepResult> {
    let scale = this.#options.compute === "float16" ? batch.noisy.data.length : 1;
    // A float16 gradient that overflows is computed again with a smaller scale; where even that fails,
    // the caller sees what is not finite.
    for (;; scale /= 16) {
      const feeds = await this.#trainingFeeds(batch, scale);
      const size = sizeOf(batch.noisy);
      const out = await this.#train(size, { ...feeds, choice: one(1) }, following);
      const grads = [out.gradient1.data, out.gradient2.data];
      const isLast = scale <= 1;
      const wrong = this.device.provider === "cpu" ? undefined : impossible(out, isLast);
      if (wrong !== undefined) throw numbersFault(this.device.provider, wrong);
      if (isLast || grads.every((gradient) => gradient.every(Number.isFinite))) {
        const [grad1, grad2] = ([0, 1] as const).map((i) => {
          const rows = batch[i === 0 ? "rows1" : "rows2"].length / this.tokens[i].width;
          const ids = batch[i === 0 ? "ids1" : "ids2"];
          return this.tokens[i].gather(ids, grads[i], rows).map((value) => value / scale);
        });
        return { loss: out.loss.data[0] / scale, grad1, grad2 };
      }
    }
  }

  /** The loss alone, at about half of a step's cost, and what each item adds to it. */
  async losses(
    batch: TrainingBatch,
  ): Promise<{ readonly loss: number; readonly each: ArrayLike<number> }> {
    const feeds = await this.#trainingFeeds(batch, 1);
    const out = await this.#train(sizeOf(batch.noisy), { ...feeds, choice: one(0) });
    return { loss: out.loss.data[0], each: out.losses.data };
  }

  /** The loss alone. */
  async loss(batch: TrainingBatch): Promise<number> {
    return (await this.losses(batch)).loss;
  }

  /** Pixels [B, 3, H, W] in -1..1 to the posterior's moments. */
  encodeImage(pixels: Tensor): Promise<Moments> {
    return this.#vae.encode(pixels);
  }

  /** Latents [B, 4, h, w], not scaled, to pixels [B, 3, 8h, 8w] around -1..1. */
  decodeLatents(latents: Tensor): Promise<Tensor> {
    return this.#vae.decode(latents);
  }

  /** Compiles the training graph of a size ahead of its first step, where memory holds one more. */
  prepareTraining(size: graphs.Size): Promise<void> {
    return this.#pool.prepareTraining(size);
  }

  /** Frees the sessions whose graphs are of these kinds. */
  release(...kinds: readonly GraphKind[]): Promise<void> {
    return this.#pool.release(...kinds);
  }

  /** Ends the device, and what it computes. */
  close(): Promise<void> {
    return this.device.close();
  }

  /** What is computed; where memory runs out, once more with the training's graph let go of, and said. */
  async #withRoom(compute: () => Promise<Fetches>): Promise<Fetches> {
    try {
      return await compute();
    } catch (error) {
      if (!(error instanceof DeviceMemoryFault)) throw error;
      this.#options.say?.(
        `Memory ran out beside the training (${error.found}); its graph makes room, and is compiled again.`,
      );
      await this.release("train", "text", "predict", "encode", "decode");
      return await compute();
    }
  }

  async #train(size: graphs.Size, feeds: Feeds, following?: graphs.Size): Promise<Fetches> {
    try {
      const session = await this.#pool.training(size);
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

  #graph(kind: GraphKind, size: graphs.Size): Graph {
    const { model, compute } = this.#options;
    switch (kind) {
      case "text":
        return graphs.textGraph(model, size.batch, compute);
      case "predict":
        return graphs.predictionGraph(model, size, compute);
      case "encode":
        return graphs.encodeGraph(model, size, this.#vae.compute);
      case "decode":
        return graphs.decodeGraph(model, size, this.#vae.compute);
      case "train": {
        const { provider } = this.device;
        const setting = { size, plan: this.#plan, provider, compute };
        const { step, loss } = takeTrainingGraphs(model, setting);
        return conditionalGraph(step, loss);
      }
    }
  }

  #textFeeds(captions: Captions) {
    return textFeeds(captions, this.tokens, poolingOf(this.model.configs.textEncoder2));
  }

  async #trainingFeeds(batch: TrainingBatch, scale: number) {
    const weight = scale === 1
      ? batch.weight
      : tensor(batch.weight.data.map((value) => value * scale), batch.weight.dims);
    return {
      ...await this.#textFeeds(batch),
      ...timeFeeds(batch, this.model.configs.unet),
      latents: batch.noisy,
      target: batch.target,
      weight,
    };
  }
}

/** What no step gives; undefined: nothing. Gradients may overflow as long as a smaller scale is left. */
function impossible(out: Fetches, isLast: boolean): string | undefined {
  const loss = out.loss.data[0];
  const all = (test: (value: number) => boolean) =>
    [out.gradient1, out.gradient2].every(({ data }) => data.every(test));
  if (isLast && !(Number.isFinite(loss) && all(Number.isFinite))) {
    return "a loss or gradients that are not finite";
  }
  return loss !== 0 && all((value) => value === 0)
    ? "gradients that are exactly 0 with a loss that is not"
    : undefined;
}

const one = (value: number): Tensor => tensor(Float32Array.of(value), [1]);

const sizeOf = ({ dims }: Tensor): graphs.Size => ({
  batch: dims[0],
  height: dims[2],
  width: dims[3],
});
