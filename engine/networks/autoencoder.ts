// AutoencoderKL: pixels to the mean and log-variance of latents, and latents to pixels (Rombach et al.
// 2022). Every GroupNorm here has epsilon 1e-6. Only ever run forward.
// The trap: the encoder's stride-2 convolutions pad below and to the right only.
import type { Value } from "../graph/graph.ts";
import { reshape } from "../graph/tensor-ops.ts";
import type { VaeConfig } from "./config.ts";
import { attention, conv, groupNorm, linear, silu } from "./layers.ts";
import type { Module } from "./module.ts";
import { resnetBlock } from "./resnet-block.ts";
import { upsampleNearest } from "./upsample.ts";

const epsilon = 1e-6;

/** Pixels per latent, each way: 8 for SDXL's four levels. */
export const vaeFactor = (config: Pick<VaeConfig, "block_out_channels">): number =>
  1 << (config.block_out_channels.length - 1);

const resnet = (module: Module, name: string, x: Value, config: VaeConfig): Value =>
  module.child(name, (m) => resnetBlock(m, x, null, { groups: config.norm_num_groups, epsilon }));

function midBlock(module: Module, x: Value, config: VaeConfig): Value {
  const first = resnet(module, "resnets.0", x, config);
  const mixed = config.mid_block_add_attention
    ? module.child("attentions.0", (m) => selfAttention(m, first, config.norm_num_groups))
    : first;
  return resnet(module, "resnets.1", mixed, config);
}

/** One head as wide as all channels. */
function selfAttention(module: Module, x: Value, groups: number): Value {
  const { g } = module;
  const [batch, channels, height, width] = x.shape;
  const normed = module.child("group_norm", (m) => groupNorm(m, x, groups, epsilon));
  const pixels = reshape(g, normed, [batch, channels, height * width]);
  const turned = g.apply("Transpose", [pixels], { perm: [0, 2, 1] });
  const sequence = reshape(g, turned, [batch * height * width, channels]);
  const project = (name: string) => module.child(name, (m) => linear(m, sequence));
  const mixed = attention(module, [project("to_q"), project("to_k"), project("to_v")], batch, 1);
  const out = module.child("to_out.0", (m) => linear(m, mixed));
  const back = reshape(g, out, [batch, height * width, channels]);
  const rows = g.apply("Transpose", [back], { perm: [0, 2, 1] });
  return g.apply("Add", [x, reshape(g, rows, x.shape)]);
}

const normAndConv = (module: Module, x: Value, config: VaeConfig): Value => {
  const normed = module.child(
    "conv_norm_out",
    (m) => silu(m, groupNorm(m, x, config.norm_num_groups, epsilon)),
  );
  return module.child("conv_out", (m) => conv(m, normed));
};

/** Pixels [B, 3, H, W] in -1..1 to the moments [B, 2 latent_channels, h, w]: mean, log-variance. */
export function encoder(module: Module, config: VaeConfig, pixels: Value): Value {
  const levels = config.block_out_channels.length;
  const moments = module.child("encoder", (m) => {
    let h = m.child("conv_in", (c) => conv(c, pixels));
    for (let level = 0; level < levels; level++) {
      h = m.child(`down_blocks.${level}`, (block) => {
        let x = h;
        for (let i = 0; i < config.layers_per_block; i++) {
          x = resnet(block, `resnets.${i}`, x, config);
        }
        if (level === levels - 1) return x;
        const down = { stride: 2, pads: [0, 0, 1, 1] };
        return block.child("downsamplers.0.conv", (c) => conv(c, x, down));
      });
    }
    return normAndConv(m, m.child("mid_block", (mid) => midBlock(mid, h, config)), config);
  });
  return config.use_quant_conv ? module.child("quant_conv", (m) => conv(m, moments)) : moments;
}

/** Latents [B, latent_channels, h, w], no scaling factor applied, to pixels [B, 3, H, W]. */
export function decoder(module: Module, config: VaeConfig, latents: Value): Value {
  const levels = config.block_out_channels.length;
  const z = config.use_post_quant_conv
    ? module.child("post_quant_conv", (m) => conv(m, latents))
    : latents;
  return module.child("decoder", (m) => {
    let h = m.child("conv_in", (c) => conv(c, z));
    h = m.child("mid_block", (mid) => midBlock(mid, h, config));
    for (let level = 0; level < levels; level++) {
      h = m.child(`up_blocks.${level}`, (block) => {
        let x = h;
        for (let i = 0; i <= config.layers_per_block; i++) {
          x = resnet(block, `resnets.${i}`, x, config);
        }
        if (level === levels - 1) return x;
        const large = upsampleNearest(block.g, x, 2 * x.shape[2], 2 * x.shape[3]);
        return block.child("upsamplers.0.conv", (c) => conv(c, large));
      });
    }
    return normAndConv(m, h, config);
  });
}
