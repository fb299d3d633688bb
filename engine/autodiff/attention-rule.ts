// Gradient of attention as FlashAttention computes it (Dao et al. 2022, arXiv 2205.14135): the
// probabilities are not kept but computed again from q and k. With P = softmax(s Q K'): dV = P' dO,
// dP = dO V', dS = P (dP - rowsum(dO O)), dQ = s dS K, dK = s dS' Q.
// The trap: heads are computed in chunks that wait for each other; without the gate ONNX Runtime may
// hold the probabilities of all chunks at once.
import { type GraphBuilder, sizeInBytes } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import {
  cutHeads,
  headsIn,
  joinHeads,
  product,
  reduceSum,
  reshape,
  splitHeads,
  uniteHeads,
} from "../graph/tensor-ops.ts";
import { gate } from "./gate.ts";
import type { GradientRule } from "./gradient-rule.ts";

/** rowsum(dO O) for each head, [B, heads, S, 1]. */
function rowSums(g: GraphBuilder, dO: Value, o: Value, heads: number): Value {
  const [batch, length, width] = o.shape;
  const [first, second] = [dO, o]
    .map((value) => reshape(g, value, [batch, length, heads, width / heads]));
  const sums = reduceSum(g, g.apply("Mul", [first, second]), [3]);
  return g.apply("Transpose", [sums], { perm: [0, 2, 1, 3] });
}

/** dQ, dK and dV of q, k, v, dO and the row sums. */
function headGradients(
  g: GraphBuilder,
  [q, k, v, dO, sums]: readonly Value[],
  alpha: number,
  after: Value,
): readonly Value[] {
  // The gate is one pass over k, which has fewer rows than q where it comes from the text.
  const scores = product(g, q, gate(g, k, after), { transB: 1, alpha });
  const p = g.apply("Softmax", [scores], { axis: -1 });
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
  const dO = splitHeads(g, dy!, heads);
  const sums = rowSums(g, dy!, kept(node.outputs[0]), heads);
  const most = headsIn(attentionBytes, sizeInBytes({ ...q, shape: [q.shape[2], k.shape[2]] }));
  const cut = [q, k, v, dO, sums].map((value) => cutHeads(g, value, most));
  const parts: (readonly Value[])[] = [];
  cut[0].forEach((_, i) => {
    const pieces = cut.map((values) => values[i]);
    const after = parts.at(-1)?.[0] ?? pieces[3];
    parts.push(headGradients(g, pieces, scale, after));
  });
  return [q, k, v].map(({ shape }, i) =>
    joinHeads(g, uniteHeads(g, parts.map((part) => part[i]), shape))
  );
};
