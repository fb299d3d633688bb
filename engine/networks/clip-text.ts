// CLIPTextModel and CLIPTextModelWithProjection (Radford et al. 2021, arXiv 2103.00020), from token
// embeddings on: the look-up of tokens happens outside, so that the gradient of the placeholder's rows is
// the gradient of an input. SDXL takes the hidden states that enter the last layer.
import type { Value } from "../graph/graph.ts";
import { joinHeads, product, reshape, splitHeads } from "../graph/tensor-ops.ts";
import type { ClipTextConfig } from "./config.ts";
import { gelu, layerNorm, linear, quickGelu } from "./layers.ts";
import type { Module } from "./module.ts";

export interface ClipText {
  /** What enters the last layer, [B * length, hidden_size]. */
  readonly hidden: Value;
  /** The projected embedding at the pooling position, [B, projection_dim]; not in encoder 1. */
  readonly pooled: Value | null;
}

/**
 * `embeddings` [B, length, hidden_size]; `pool` [B, 1, length], 1 at each caption's pooling position and
 * 0 elsewhere, or null where no pooled embedding is wanted.
 */
export function clipText(
  module: Module,
  config: ClipTextConfig,
  embeddings: Value,
  pool: Value | null,
): ClipText {
  const { g } = module;
  const [batch, length, channels] = embeddings.shape;
  return module.child("text_model", (model) => {
    const view = model.view("embeddings.position_embedding.weight");
    const positions = g.weight({
      ...view,
      shape: [length, channels],
      bytes: view.bytes / view.shape[0] * length,
    });
    let h = reshape(g, g.apply("Add", [embeddings, positions]), [batch * length, channels]);
    const mask = causalMask(model, length);
    const layer = (index: number, x: Value) =>
      model.child(`encoder.layers.${index}`, (m) => encoderLayer(m, config, x, mask, batch));
    for (let i = 0; i < config.num_hidden_layers - 1; i++) h = layer(i, h);
    if (pool === null) return { hidden: h, pooled: null };
    const last = layer(config.num_hidden_layers - 1, h);
    const chosen = g.apply("MatMul", [pool, reshape(g, last, embeddings.shape)]);
    const normed = model.child(
      "final_layer_norm",
      (m) => layerNorm(m, reshape(g, chosen, [batch, channels]), config.layer_norm_eps),
    );
    return { hidden: h, pooled: module.child("text_projection", (m) => linear(m, normed)) };
  });
}

function encoderLayer(
  module: Module,
  config: ClipTextConfig,
  x: Value,
  mask: Value,
  batch: number,
): Value {
  const { g } = module;
  const norm = (name: string, value: Value) =>
    module.child(name, (m) => layerNorm(m, value, config.layer_norm_eps));
  const normed = norm("layer_norm1", x);
  const heads = config.num_attention_heads;
  let h = module.child("self_attn", (m) => causalAttention(m, normed, mask, batch, heads));
  h = g.apply("Add", [x, h]);
  const second = norm("layer_norm2", h);
  const fed = module.child("mlp", (mlp) => {
    const wide = mlp.child("fc1", (m) => linear(m, second));
    const bent = config.hidden_act === "gelu" ? gelu(mlp, wide) : quickGelu(mlp, wide, 1.702);
    return mlp.child("fc2", (m) => linear(m, bent));
  });
  return g.apply("Add", [h, fed]);
}

function causalAttention(
  module: Module,
  x: Value,
  mask: Value,
  batch: number,
  heads: number,
): Value {
  const { g } = module;
  const [rows, channels] = x.shape;
  const length = rows / batch;
  const project = (name: string) => {
    const flat = module.child(name, (m) => linear(m, x));
    return splitHeads(g, reshape(g, flat, [batch, length, channels]), heads);
  };
  const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map(project);
  const alpha = 1 / Math.sqrt(channels / heads);
  const scores = g.apply("Add", [product(g, q, k, { transB: 1, alpha }), mask]);
  const probabilities = g.apply("Softmax", [scores], { axis: -1 });
  const mixed = g.apply("MatMul", [probabilities, v]);
  const joined = reshape(g, joinHeads(g, mixed), x.shape);
  return module.child("out_proj", (m) => linear(m, joined));
}

/** Large enough that its exponential is 0 in float32, small enough for float16. */
const hiddenScore = -6e4;

/** One for all layers, [length, length]. */
const causalMask = ({ g }: Module, length: number): Value =>
  g.constant(
    Array.from({ length: length ** 2 }, (_, i) => i % length > i / length ? hiddenScore : 0),
    [length, length],
  );
