// ResnetBlock2D of diffusers: norm, SiLU, convolution, plus the projected time embedding, then the same
// again, plus a shortcut (1x1 convolution where the channels change). The VAE's has no time embedding.
import type { Value } from "../graph/graph.ts";
import { reshape } from "../graph/tensor-ops.ts";
import { conv, groupNorm, linear, silu } from "./layers.ts";
import type { Module } from "./module.ts";

export interface Norm {
  readonly groups: number;
  readonly epsilon: number;
}

/** x [B, C, H, W]; `activatedTime` is silu of the time embedding [B, D], or null. */
export function resnetBlock(
  module: Module,
  x: Value,
  activatedTime: Value | null,
  { groups, epsilon }: Norm,
): Value {
  const { g } = module;
  const first = module.child("norm1", (m) => silu(m, groupNorm(m, x, groups, epsilon)));
  let h = module.child("conv1", (m) => conv(m, first));
  if (activatedTime !== null) {
    const time = module.child("time_emb_proj", (m) => linear(m, activatedTime));
    h = g.apply("Add", [h, reshape(g, time, [...time.shape, 1, 1])]);
  }
  const second = module.child("norm2", (m) => silu(m, groupNorm(m, h, groups, epsilon)));
  h = module.child("conv2", (m) => conv(m, second));
  const shortcut = module.has("conv_shortcut.weight")
    ? module.child("conv_shortcut", (m) => conv(m, x))
    : x;
  return g.apply("Add", [shortcut, h]);
}
