// UNet2DConditionModel of SDXL: predicts the noise (or v) in latents, given the text's hidden states, its
// pooled embedding and the size conditioning (Podell et al. 2023, arXiv 2307.01952).
// The trap: a skip's size decides the upsampling where sizes do not halve evenly.
import type { Value } from "../graph/graph.ts";
import { conv, groupNorm, linear, silu } from "./layers.ts";
import type { Module } from "./module.ts";
import { resnetBlock } from "./resnet-block.ts";
import { transformer2d } from "./transformer-2d.ts";
import type { UNetConfig } from "./unet-config.ts";
import { upsampleNearest } from "./upsample.ts";

export interface UNetInputs {
  /** [B, in_channels, h, w]. */
  readonly latents: Value;
  /** Sinusoidal embedding of the timesteps, [B, block_out_channels[0]]. */
  readonly timestepEmbedding: Value;
  /** Sinusoidal embeddings of the six time ids side by side, [B, 6 addition_time_embed_dim]. */
  readonly timeIdsEmbedding: Value;
  /** Hidden states of both text encoders side by side, [B * 77, cross_attention_dim]. */
  readonly context: Value;
  /** Projected pooled text, [B, projection_dim]. */
  readonly pooled: Value;
}

/** Plan B keeps only what enters and leaves resnets and transformer blocks. */
export type Keep = "all" | "block-inputs";

interface Walk {
  readonly config: UNetConfig;
  readonly context: Value;
  readonly time: Value;
  readonly wrap: <T>(build: () => T) => T;
}

/** The prediction, [B, out_channels, h, w]. */
export function unet(module: Module, config: UNetConfig, inputs: UNetInputs, keep: Keep): Value {
  const { g } = module;
  const wrap = <T>(build: () => T): T => keep === "all" ? build() : g.checkpointed(build);
  const walk = { config, context: inputs.context, time: timeEmbedding(module, inputs), wrap };
  let h = module.child("conv_in", (m) => conv(m, inputs.latents));
  const skips = [h];
  const levels = config.block_out_channels.length;
  for (let level = 0; level < levels; level++) {
    h = module.child(`down_blocks.${level}`, (m) => downBlock(m, h, level, walk, skips));
  }
  h = module.child("mid_block", (m) => midBlock(m, h, walk));
  for (let block = 0; block < levels; block++) {
    h = module.child(`up_blocks.${block}`, (m) => upBlock(m, h, block, walk, skips));
  }
  const normed = module.child(
    "conv_norm_out",
    (m) => silu(m, groupNorm(m, h, config.norm_num_groups, config.norm_eps)),
  );
  return module.child("conv_out", (m) => conv(m, normed));
}

/** silu(time embedding + size and pooled-text embedding), [B, D]: what every resnet projects. */
function timeEmbedding(module: Module, inputs: UNetInputs): Value {
  const { g } = module;
  const mlp = (name: string, x: Value) =>
    module.child(name, (m) => {
      const hidden = m.child("linear_1", (l) => silu(l, linear(l, x)));
      return m.child("linear_2", (l) => linear(l, hidden));
    });
  const time = mlp("time_embedding", inputs.timestepEmbedding);
  const added = g.apply("Concat", [inputs.pooled, inputs.timeIdsEmbedding], { axis: 1 });
  return silu(module, g.apply("Add", [time, mlp("add_embedding", added)]));
}

const resnet = (module: Module, index: number, x: Value, { config, time, wrap }: Walk): Value =>
  wrap(() =>
    module.child(
      `resnets.${index}`,
      (m) => resnetBlock(m, x, time, { groups: config.norm_num_groups, epsilon: config.norm_eps }),
    )
  );

function transformer(
  module: Module,
  index: number,
  x: Value,
  layers: number,
  level: number,
  { config, context, wrap }: Walk,
): Value {
  if (layers === 0) return x;
  const heads = config.attention_head_dim[level];
  return module.child(
    `attentions.${index}`,
    (m) => transformer2d(m, x, context, { groups: config.norm_num_groups, heads, layers, wrap }),
  );
}

function downBlock(module: Module, x: Value, level: number, walk: Walk, skips: Value[]): Value {
  const { config } = walk;
  let h = x;
  for (let i = 0; i < config.layers_per_block[level]; i++) {
    h = resnet(module, i, h, walk);
    const layers = config.transformer_layers_per_block[level][i] ?? 0;
    h = transformer(module, i, h, layers, level, walk);
    skips.push(h);
  }
  if (level < config.block_out_channels.length - 1) {
    h = module.child("downsamplers.0.conv", (m) => conv(m, h, { stride: 2 }));
    skips.push(h);
  }
  return h;
}

function midBlock(module: Module, x: Value, walk: Walk): Value {
  const { config } = walk;
  if (config.mid_block_type === null) return x;
  let h = resnet(module, 0, x, walk);
  if (config.mid_block_type === "UNetMidBlock2D") return h;
  const level = config.block_out_channels.length - 1;
  h = transformer(module, 0, h, config.mid_transformer_layers, level, walk);
  return resnet(module, 1, h, walk);
}

function upBlock(module: Module, x: Value, block: number, walk: Walk, skips: Value[]): Value {
  const { g } = module;
  const { config } = walk;
  const level = config.block_out_channels.length - 1 - block;
  let h = x;
  for (let i = 0; i <= config.layers_per_block[level]; i++) {
    h = g.apply("Concat", [h, skips.pop()!], { axis: 1 });
    h = resnet(module, i, h, walk);
    const layers = config.reverse_transformer_layers_per_block[block][i] ?? 0;
    h = transformer(module, i, h, layers, level, walk);
  }
  if (level === 0) return h;
  const [, , height, width] = skips.at(-1)!.shape;
  const large = upsampleNearest(g, h, height, width);
  return module.child("upsamplers.0.conv", (m) => conv(m, large));
}
