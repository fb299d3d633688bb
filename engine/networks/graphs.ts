// The graphs that a training and its validation run, each for one latent size and batch. Inputs and
// outputs are float32 whatever the compute type is. The trap: what a graph is given as `weight` holds
// everything about the objective (min-SNR, mask, mean, float16's loss scale), so that one graph serves
// every loss.
import { differentiate } from "../autodiff/backward.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { DType, Graph, Value } from "../graph/graph.ts";
import { reduceSum, reshape } from "../graph/tensor-ops.ts";
import type { WeightTable } from "../../lib/safetensors/weight-view.ts";
import { decoder, encoder } from "./autoencoder.ts";
import { clipText } from "./clip-text.ts";
import type { ModelConfigs } from "./config.ts";
import { Module } from "./module.ts";
import { type Keep, unet } from "./unet.ts";

/** Tokens in a caption, begin and end included. */
export const captionLength = 77;

/** What a graph is compiled for. */
export interface Size {
  /** How many items at once. */
  readonly batch: number;
  /** Of the latents. */
  readonly height: number;
  /** Of the latents. */
  readonly width: number;
}

export interface TrainOptions {
  readonly compute: DType;
  readonly keep: Keep;
  /** Most bytes of attention probabilities at a time in the backward pass. */
  readonly attentionBytes: number;
}

/** The networks of a model, as graphs are built of them. */
export interface Networks {
  readonly configs: ModelConfigs;
  /** By canonical name. */
  readonly weights: Readonly<Record<Exclude<keyof ModelConfigs, "scheduler">, WeightTable>>;
}

interface TextInputs {
  readonly embeddings1: Value;
  readonly embeddings2: Value;
  readonly pool: Value;
}

function textInputs(g: GraphBuilder, { configs }: Networks, batch: number): TextInputs {
  const width = [configs.textEncoder.hidden_size, configs.textEncoder2.hidden_size];
  return {
    embeddings1: g.input("embeddings1", [batch, captionLength, width[0]]),
    embeddings2: g.input("embeddings2", [batch, captionLength, width[1]]),
    pool: g.input("pool", [batch, 1, captionLength]),
  };
}

function encodeText(g: GraphBuilder, { configs, weights }: Networks, inputs: TextInputs) {
  const as = (value: Value) => g.cast(value, g.compute);
  const first = g.scope("text_encoder", () => {
    const module = new Module(g, weights.textEncoder);
    return clipText(module, configs.textEncoder, as(inputs.embeddings1), null);
  });
  const second = g.scope("text_encoder_2", () => {
    const module = new Module(g, weights.textEncoder2);
    return clipText(module, configs.textEncoder2, as(inputs.embeddings2), as(inputs.pool));
  });
  const context = g.apply("Concat", [first.hidden, second.hidden], { axis: 1 });
  return { hidden1: first.hidden, hidden2: second.hidden, context, pooled: second.pooled! };
}

function predict(
  g: GraphBuilder,
  { configs, weights }: Networks,
  { batch, height, width }: Size,
  text: { context: Value; pooled: Value },
  keep: Keep,
): Value {
  const { unet: config } = configs;
  const ids = 6 * config.addition_time_embed_dim;
  const as = (value: Value) => g.cast(value, g.compute);
  const inputs = {
    latents: as(g.input("latents", [batch, config.in_channels, height, width])),
    timestepEmbedding: as(g.input("timestep_embedding", [batch, config.block_out_channels[0]])),
    timeIdsEmbedding: as(g.input("time_ids_embedding", [batch, ids])),
    context: text.context,
    pooled: text.pooled,
  };
  return g.scope("unet", () => unet(new Module(g, weights.unet), config, inputs, keep));
}

/** weight (prediction - target)^2 in float32, [B, C, h, w]. */
function weightedSquares(
  g: GraphBuilder,
  prediction: Value,
  { batch, height, width }: Size,
): Value {
  return g.scope("loss", () => {
    const target = g.input("target", prediction.shape);
    const weight = g.input("weight", [batch, 1, height, width]);
    const difference = g.apply("Sub", [g.cast(prediction, "float32"), target]);
    const weighted = g.apply("Mul", [difference, weight]);
    return g.apply("Mul", [weighted, difference]);
  });
}

/** The sum over everything, [1]. */
const total = (g: GraphBuilder, squares: Value): Value =>
  g.scope("loss", () => reshape(g, reduceSum(g, squares, [0, 1, 2, 3]), [1]));

/** Loss, and its gradient with respect to the token embeddings that the captions look up. */
export function trainGraph(networks: Networks, size: Size, options: TrainOptions): Graph {
  const g = new GraphBuilder(options.compute);
  const inputs = textInputs(g, networks, size.batch);
  const text = encodeText(g, networks, inputs);
  const loss = total(
    g,
    weightedSquares(g, predict(g, networks, size, text, options.keep), size),
  );
  const [gradient1, gradient2] = differentiate(g, loss, [inputs.embeddings1, inputs.embeddings2], {
    attentionBytes: options.attentionBytes,
  });
  return g.finish({ loss, gradient1, gradient2 });
}

/** The loss alone, forward only, and what each item adds to it: losses [B]. */
export function lossGraph(networks: Networks, size: Size, compute: DType): Graph {
  const g = new GraphBuilder(compute);
  const text = encodeText(g, networks, textInputs(g, networks, size.batch));
  const squares = weightedSquares(g, predict(g, networks, size, text, "all"), size);
  const losses = reshape(g, reduceSum(g, squares, [1, 2, 3]), [size.batch]);
  return g.finish({ loss: total(g, squares), losses });
}

/** Hidden states and pooled embedding of captions. */
export function textGraph(networks: Networks, batch: number, compute: DType): Graph {
  const g = new GraphBuilder(compute);
  const { hidden1, hidden2, context, pooled } = encodeText(
    g,
    networks,
    textInputs(g, networks, batch),
  );
  const sequence = (x: Value) => reshape(g, x, [batch, captionLength, x.shape[1]]);
  return g.finish({
    hidden1: sequence(hidden1),
    hidden2: sequence(hidden2),
    context: sequence(context),
    pooled,
  });
}

/** The UNet's prediction from given text states. */
export function predictionGraph(networks: Networks, size: Size, compute: DType): Graph {
  const g = new GraphBuilder(compute);
  const { unet: config, textEncoder2 } = networks.configs;
  const widthOfText = networks.configs.textEncoder.hidden_size + textEncoder2.hidden_size;
  const context = g.input("context", [size.batch, captionLength, widthOfText]);
  const pooledWidth = config.projection_class_embeddings_input_dim -
    6 * config.addition_time_embed_dim;
  const pooled = g.input("pooled", [size.batch, pooledWidth]);
  const flat = reshape(g, g.cast(context, compute), [size.batch * captionLength, widthOfText]);
  const text = { context: flat, pooled: g.cast(pooled, compute) };
  return g.finish({ prediction: predict(g, networks, size, text, "all") });
}

/** Pixels [B, 3, 8h, 8w] to the VAE's moments. `height` and `width` of `size` are pixels here. */
export function encodeGraph({ configs, weights }: Networks, size: Size, compute: DType): Graph {
  const g = new GraphBuilder(compute);
  const pixels = g.input("pixels", [size.batch, configs.vae.in_channels, size.height, size.width]);
  const module = new Module(g, weights.vae);
  const moments = g.scope("vae", () => encoder(module, configs.vae, g.cast(pixels, compute)));
  return g.finish({ moments });
}

/** Latents to pixels. */
export function decodeGraph({ configs, weights }: Networks, size: Size, compute: DType): Graph {
  const g = new GraphBuilder(compute);
  const shape = [size.batch, configs.vae.latent_channels, size.height, size.width];
  const latents = g.cast(g.input("latents", shape), compute);
  const module = new Module(g, weights.vae);
  return g.finish({ pixels: g.scope("vae", () => decoder(module, configs.vae, latents)) });
}
