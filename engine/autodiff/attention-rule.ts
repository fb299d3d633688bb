// Gradient of attention as FlashAttention computes it (Dao et al. 2022, arXiv 2205.14135): the
// probabilities are not kept but computed again from q and k. With P = softmax(s Q K'): dV = P' dO,
// dP = dO V', dS = P (dP - rowsum(dO O)), dQ = s dS K, dK = s dS' Q.
// The trap: heads are computed in chunks that wait for each other; without the gate ONNX Runtime may
// hold the probabilities of all chunks at once.
import type { GraphBuilder } from "../graph/builder.ts";
import { sizeInBytes } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import { gate } from "./gate.ts";
import { joinHeads, product, reduceSum, reshape, slice, splitHeads } from "../graph/tensor-ops.ts";
import type { GradientRule } from "./rules.ts";

/** rowsum(dO O) for each head, [B heads, S, 1]. */
function rowSums(g: GraphBuilder, dO: Value, o: Value, heads: number): Value {
  const [batch, length, width] = o.shape;
  const weighted = g.apply("Mul", [dO, o]);
  const split = reshape(g, weighted, [batch, length, heads, width / heads]);
  const sums = g.apply("Transpose", [reduceSum(g, split, [3])], { perm: [0, 2, 1, 3] });
  return reshape(g, sums, [batch * heads, length, 1]);
}

interface Heads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly dO: Value;
  readonly sums: Value;
}

function headGradients(g: GraphBuilder, { q, k, v, dO, sums }: Heads, alpha: number) {
  const p = g.apply("Softmax", [product(g, q, k, { transB: 1, alpha })], { axis: -1 });
  const dV = product(g, p, dO, { transA: 1 });
  const dP = product(g, dO, v, { transB: 1 });
  const dS = g.apply("Mul", [p, g.apply("Sub", [dP, sums])]);
  const dQ = product(g, dS, k, { alpha });
  const dK = product(g, dS, q, { transA: 1, alpha });
  return [dQ, dK, dV];
}

export const attentionRule: GradientRule = ({ g, kept, attentionBytes }, node, [dy]) => {
  const heads = node.attributes.num_heads as number;
  const scale = (node.attributes.scale as { float: number }).float;
  const [q, k, v] = node.inputs.map((value) => splitHeads(g, kept(value!), heads));
  const sums = rowSums(g, dy!, kept(node.outputs[0]), heads);
  const dO = splitHeads(g, dy!, heads);
  const [all, rows] = q.shape;
  const perHead = sizeInBytes({ ...q, shape: [rows, k.shape[1]] });
  const size = Math.min(all, Math.max(1, Math.floor(attentionBytes / perHead)));
  const parts: (readonly Value[])[] = [];
  for (let start = 0; start < all; start += size) {
    const end = Math.min(all, start + size);
    const part = (value: Value) => size === all ? value : slice(g, value, 0, start, end);
    const after = parts.at(-1)?.[0] ?? dy!;
    const gated = gate(g, part(q), after);
    parts.push(headGradients(g, {
      q: gated,
      k: part(k),
      v: part(v),
      dO: part(dO),
      sums: part(sums),
    }, scale));
  }
  return [0, 1, 2].map((i) => {
    const pieces = parts.map((part) => part[i]);
    const whole = pieces.length === 1 ? pieces[0] : g.apply("Concat", pieces, { axis: 0 });
    return joinHeads(g, whole, heads);
  });
};
