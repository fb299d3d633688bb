// Transformer2DModel of diffusers: GroupNorm (epsilon 1e-6, unlike the resnets'), projection, blocks of
// self-attention, cross-attention to the text and GEGLU, projection, residual. Whether the projections
// are stored as linear layers or 1x1 convolutions makes no difference here.
import type { Value } from "../graph/graph.ts";
import { reshape } from "../graph/tensor-ops.ts";
import { attention, gelu, groupNorm, layerNorm, linear, linearPart } from "./layers.ts";
import type { Module } from "./module.ts";

const groupEpsilon = 1e-6;
const layerEpsilon = 1e-5;

export interface TransformerShape {
  readonly groups: number;
  readonly heads: number;
  readonly layers: number;
  /** Wraps each block, e.g. to compute it again in the backward pass. */
  readonly wrap: <T>(build: () => T) => T;
}

/** x [B, C, H, W], context [B * tokens, D]. */
export function transformer2d(
  module: Module,
  x: Value,
  context: Value,
  { groups, heads, layers, wrap }: TransformerShape,
): Value {
  const { g } = module;
  const [batch, channels, height, width] = x.shape;
  const normed = module.child("norm", (m) => groupNorm(m, x, groups, groupEpsilon));
  const pixels = reshape(g, normed, [batch, channels, height * width]);
  const turned = g.apply("Transpose", [pixels], { perm: [0, 2, 1] });
  const sequence = reshape(g, turned, [batch * height * width, channels]);
  let h = module.child("proj_in", (m) => linear(m, sequence));
  for (let i = 0; i < layers; i++) {
    h = wrap(() =>
      module.child(`transformer_blocks.${i}`, (m) => transformerBlock(m, h, context, batch, heads))
    );
  }
  h = module.child("proj_out", (m) => linear(m, h));
  const back = g.apply("Transpose", [reshape(g, h, [batch, height * width, channels])], {
    perm: [0, 2, 1],
  });
  return g.apply("Add", [reshape(g, back, x.shape), x]);
}

function transformerBlock(
  module: Module,
  x: Value,
  context: Value,
  batch: number,
  heads: number,
): Value {
  const { g } = module;
  const norm = (name: string, value: Value) =>
    module.child(name, (m) => layerNorm(m, value, layerEpsilon));
  const normed = norm("norm1", x);
  let h = g.apply("Add", [
    module.child("attn1", (m) => attend(m, normed, normed, batch, heads)),
    x,
  ]);
  const query = norm("norm2", h);
  h = g.apply("Add", [module.child("attn2", (m) => attend(m, query, context, batch, heads)), h]);
  const last = norm("norm3", h);
  return g.apply("Add", [module.child("ff", (m) => geglu(m, last)), h]);
}

function attend(module: Module, x: Value, source: Value, batch: number, heads: number): Value {
  const q = module.child("to_q", (m) => linear(m, x));
  const k = module.child("to_k", (m) => linear(m, source));
  const v = module.child("to_v", (m) => linear(m, source));
  const mixed = attention(module, [q, k, v], batch, heads);
  return module.child("to_out.0", (m) => linear(m, mixed));
}

/** GEGLU (Shazeer 2020): the projection's first half times the GELU of its second. */
function geglu(module: Module, x: Value): Value {
  const gated = module.child("net.0.proj", (m) => {
    // In this order the gradient of the first half comes first, and the second's is added to it.
    const bent = gelu(m, linearPart(m, x, 1, 2));
    return m.g.apply("Mul", [linearPart(m, x, 0, 2), bent]);
  });
  return module.child("net.2", (m) => linear(m, gated));
}
