// The layers that all of SDXL's networks are made of, as PyTorch defines them. Sequences are held as
// [batch * length, channels], so that a linear layer is one Gemm on the weight as it is stored.
import type { Value } from "../graph/graph.ts";
import { reshape } from "../graph/tensor-ops.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";
import type { Module } from "./module.ts";

/** y = x W' (+ b), x [rows, in], W [out, in] or stored turned; a 1x1 convolution's is a matrix too. */
export function linear(module: Module, x: Value): Value {
  const view = module.view("weight");
  const [out, inner] = view.shape;
  const shape = view.transposed === true ? [inner, out] : [out, inner];
  return gemm(module, x, { ...view, shape }, module.bias());
}

function gemm({ g }: Module, x: Value, view: WeightView, bias: Value | null): Value {
  const inputs = [x, g.weight(view), ...(bias === null ? [] : [bias])];
  return g.apply("Gemm", inputs, { transB: view.transposed === true ? 0 : 1 });
}

/** One half of a linear layer's outputs (rows of its weight), without a copy of the weight. */
export function linearPart(module: Module, x: Value, part: number, parts: number): Value {
  const weight = rows(module.view("weight"), part, parts);
  const bias = module.has("bias") ? module.g.weight(rows(module.view("bias"), part, parts)) : null;
  return gemm(module, x, weight, bias);
}

function rows(view: WeightView, part: number, parts: number): WeightView {
  const [count, ...rest] = view.shape;
  const bytes = view.bytes / parts;
  return {
    ...view,
    name: `${view.name}[${part}/${parts}]`,
    shape: [count / parts, ...rest],
    offset: view.offset + part * bytes,
    bytes,
  };
}

export interface ConvOptions {
  readonly stride?: number;
  /** Top, left, bottom, right; by default what keeps the size of a stride-1 convolution. */
  readonly pads?: readonly number[];
}

/** x [B, in, H, W] to [B, out, H', W']. */
export function conv(module: Module, x: Value, options: ConvOptions = {}): Value {
  const weight = module.weight("weight");
  const [kh, kw] = weight.shape.slice(2);
  const pads = options.pads ?? [(kh - 1) / 2, (kw - 1) / 2, (kh - 1) / 2, (kw - 1) / 2];
  const strides = [options.stride ?? 1, options.stride ?? 1];
  const bias = module.bias();
  const inputs = [x, weight, ...(bias === null ? [] : [bias])];
  return module.g.apply("Conv", inputs, { kernel_shape: [kh, kw], pads, strides });
}

/** Normalises the last axis. */
export function layerNorm(module: Module, x: Value, epsilon: number): Value {
  const inputs = [x, module.weight("weight"), module.weight("bias")];
  return module.g.apply("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } });
}

/** Group normalisation (Wu & He 2018) of x [B, C, H, W], as a layer normalisation of each group. */
export function groupNorm(module: Module, x: Value, groups: number, epsilon: number): Value {
  const { g } = module;
  const [batch, channels, height, width] = x.shape;
  const size = channels / groups * height * width;
  const ones = g.filled(1, [size]);
  const grouped = reshape(g, x, [batch, groups, size]);
  const normalised = g.apply("LayerNormalization", [grouped, ones], {
    axis: -1,
    epsilon: { float: epsilon },
  });
  const perChannel = (name: string) => {
    const view = module.view(name);
    return g.weight({ ...view, shape: [channels, 1, 1] });
  };
  const scaled = g.apply("Mul", [reshape(g, normalised, x.shape), perChannel("weight")]);
  return g.apply("Add", [scaled, perChannel("bias")]);
}

/** x sigmoid(alpha x): SiLU for alpha 1, CLIP's quick GELU for 1.702. */
export const quickGelu = ({ g }: Module, x: Value, alpha: number): Value =>
  g.apply("QuickGelu", [x], { alpha: { float: alpha } }, { domain: "com.microsoft" });

export const silu = (module: Module, x: Value): Value => quickGelu(module, x, 1);

/** The exact GELU, x Phi(x). */
export const gelu = ({ g }: Module, x: Value): Value => g.apply("Gelu", [x]);

/** Scaled dot-product attention of q, k, v [B * length, channels]; gives [B * query length, channels]. */
export function attention(
  { g }: Module,
  [q, k, v]: readonly [Value, Value, Value],
  batch: number,
  heads: number,
): Value {
  const channels = q.shape[1];
  const sequence = (x: Value) => reshape(g, x, [batch, x.shape[0] / batch, x.shape[1]]);
  const out = g.apply("MultiHeadAttention", [sequence(q), sequence(k), sequence(v)], {
    num_heads: heads,
    scale: { float: 1 / Math.sqrt(channels / heads) },
  }, { domain: "com.microsoft" });
  return reshape(g, out, [q.shape[0], channels]);
}
