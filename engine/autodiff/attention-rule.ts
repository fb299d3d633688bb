// Gradient of attention as FlashAttention computes it (Dao et al. 2022, arXiv 2205.14135): the
// probabilities are not kept but computed again from q and k. With P = softmax(s Q K'): dV = P' dO,
// dS = P (dO V' - rowsum(dO O)), dQ = s dS K, dK = s dS' Q. Where keys are many, the row sums are a column of
// the product, [dO | rowsum(dO O)] [V | -1]', which spares a pass over a matrix as large as P.
// Heads are computed in chunks, and the queries of a head that is too large, so that a chunk's matrices
// stay in a cache. Values stay as the layers hold them, [rows, heads, D]: a product turns what it reads. On a
// card gradients come as columns of channels, which the product with the layer's weight turns (passes.ts); of
// queries that are cut not dQ, which would have to be put together along its rows.
// The trap: chunks wait for all of the one before; without the gate ONNX Runtime may hold the
// probabilities of several at once. Where keys are few and one chunk is all, the order has to do, in which dV's
// product runs what gives dO before what gives P.
import { type GraphBuilder, sizeInBytes } from "../graph/builder.ts";
import { type Shape, sizeOf, type Value } from "../graph/graph.ts";
import { headsIn, joinHeads, product, reduceSum, reshape, split } from "../graph/tensor-ops.ts";
import { gate } from "./gate.ts";
import type { GradientRule } from "./gradient-rule.ts";

/** [B, L, ...] of `heads` heads to [L, B heads, D]. */
function rowsFirst(g: GraphBuilder, value: Value, heads: number): Value {
  const [batch, length] = value.shape;
  const depth = sizeOf(value.shape) / (batch * length * heads);
  if (batch === 1) return reshape(g, value, [length, heads, depth]);
  const turned = g.apply("Transpose", [reshape(g, value, [batch, length, heads * depth])], {
    perm: [1, 0, 2],
  });
  return reshape(g, turned, [length, batch * heads, depth]);
}

/** rowsum(dO O) for each head, [B, L, heads, 1]. */
function rowSums(g: GraphBuilder, dO: Value, o: Value, heads: number): Value {
  const [batch, length, width] = o.shape;
  const [first, second] = [dO, o]
    .map((value) => reshape(g, value, [batch, length, heads, width / heads]));
  return reduceSum(g, g.apply("Mul", [first, second]), [3]);
}

/** `column` or a number right of a value [S, heads, D]; cards multiply float16 in columns of eight. */
function widened(g: GraphBuilder, value: Value, column: Value | number): Value {
  const [rows, heads, depth] = value.shape;
  const held = (fill: number, columns: number) =>
    g.filled(fill, [rows, heads, columns], value.dtype);
  const spare = g.compute === "float32" ? 0 : 7 - depth % 8;
  const parts = [value, typeof column === "number" ? held(column, 1) : column];
  return g.apply("Concat", spare === 0 ? parts : [...parts, held(0, spare)], { axis: 2 });
}

/** How many heads each group of chunks has, and how many queries each chunk of a group. */
interface Cuts {
  readonly heads: readonly number[];
  readonly rows: readonly number[];
}

/** Pieces of one size where there are such: a buffer is used again for its own shape alone. */
function evenly(count: number, most: number): readonly number[] {
  const fewest = Math.max(1, Math.ceil(count / most));
  for (let pieces = fewest; pieces <= 2 * fewest; pieces++) {
    if (count % pieces === 0) return Array<number>(pieces).fill(count / pieces);
  }
  const each = Math.ceil(count / fewest);
  return Array.from({ length: fewest }, (_, i) => Math.min(each, count - i * each));
}

/**
 * Queries are cut into no more chunks than this: the larger the picture, the fewer of its rows fit `bytes`,
 * and a graph of millions of nodes could not even be planned. 80 at 1024 px.
 */
const mostChunks = 256;

function cutsFor(q: Value, k: Value, bytes: number): Cuts {
  const [length, heads] = q.shape;
  const row = sizeInBytes({ ...q, shape: [k.shape[0]] });
  const groups = evenly(heads, headsIn(bytes, row * length));
  const pieces = Math.max(1, Math.floor(mostChunks / groups.length));
  return {
    heads: groups,
    rows: evenly(length, Math.max(1, Math.floor(bytes / row), Math.ceil(length / pieces))),
  };
}

const cutAlong = (g: GraphBuilder, value: Value, axis: number, sizes: readonly number[]) =>
  sizes.length === 1 ? [value] : split(g, value, axis, sizes);

/** A value [L, heads, D] in pieces [l, n, D], by group and chunk. */
const cut = (g: GraphBuilder, value: Value, { heads, rows }: Cuts): readonly (readonly Value[])[] =>
  cutAlong(g, value, 1, heads).map((group) => cutAlong(g, group, 0, rows));

const below = (g: GraphBuilder, pieces: readonly Value[]): Value =>
  pieces.length === 1 ? pieces[0] : g.apply("Concat", pieces, { axis: 0 });

/** Pieces [n, l, D] of all groups and chunks as [B, L, heads D]. */
function united(g: GraphBuilder, pieces: readonly Value[], shape: Shape, heads: number): Value {
  const [batch, length, width] = shape;
  const flat = pieces.map((piece) => {
    const [count, rows, depth] = piece.shape;
    return reshape(g, piece, [count * rows, depth]);
  });
  return joinHeads(g, reshape(g, below(g, flat), [batch, heads, length, width / heads]));
}

/** Pieces [n, D, S] of all groups as [B, S, heads D]. */
function turned(g: GraphBuilder, pieces: readonly Value[], shape: Shape): Value {
  const [batch, length, width] = shape;
  const columns = below(g, pieces);
  if (batch > 1) {
    const items = reshape(g, columns, [batch, width, length]);
    return g.apply("Transpose", [items], { perm: [0, 2, 1] });
  }
  const matrix = reshape(g, columns, [width, length]);
  return reshape(g, g.apply("Transpose", [matrix], { perm: [1, 0] }), shape);
}

/** Not on the processor, which would copy a matrix as large as P into the order that it multiplies in. */
const inColumns = ({ compute }: GraphBuilder) => compute !== "float32";

/** From [n, L, S] and [L, n, D] the products over L, [n, S, D] or as columns [n, D, S]. */
const overQueries = (g: GraphBuilder, wide: Value, rows: Value, alpha = 1): Value =>
  inColumns(g)
    ? product(g, rows, wide, { transBatchA: 1, transA: 1, alpha })
    : product(g, wide, rows, { transA: 1, transBatchB: 1, alpha });

export const attentionRule: GradientRule = ({ g, kept, attentionBytes }, node, [dy]) => {
  const heads = node.attributes.num_heads as number;
  const alpha = (node.attributes.scale as { float: number }).float;
  const [q, k, v, dO] = [...node.inputs.map((value) => kept(value!)), dy!]
    .map((value) => rowsFirst(g, value, heads));
  const sums = rowsFirst(g, rowSums(g, dy!, kept(node.outputs[0]), heads), heads);
  // It spares two passes over P, and costs two over dO and v and more in the product: measured, it loses
  // at 256 keys of 64 channels and gains at 1024.
  const asColumn = k.shape[0] >= 8 * v.shape[2];
  const cuts = cutsFor(q, k, attentionBytes);
  const [keys, values] = [k, asColumn ? widened(g, v, -1) : v]
    .map((value) => cutAlong(g, value, 1, cuts.heads));
  const perChunk = (value: Value) => cut(g, value, cuts);
  const [queries, outgoing] = [q, dO].map(perChunk);
  const left = asColumn ? perChunk(widened(g, dO, sums)) : outgoing;
  const columns = asColumn ? undefined : perChunk(sums);
  const queriesTurned = inColumns(g) && cuts.rows.length === 1;
  const isSmall = !asColumn && queries.flat().length === 1;

  const gradients: [dQ: Value[], dK: Value[], dV: Value[]] = [[], [], []];
  let last: readonly Value[] = [outgoing[0][0]];
  keys.forEach((key, group) => {
    const sum: Value[] = [];
    queries[group].forEach((query, i) => {
      // The gate is one pass over k, which has fewer rows than q where it comes from the text.
      const scores = product(g, query, isSmall ? key : gate(g, key, ...last), {
        transBatchA: 1,
        transBatchB: 1,
        transB: 1,
        alpha,
      });
      const p = g.apply("Softmax", [scores], { axis: -1 });
      const dP = product(g, left[group][i], values[group], {
        transBatchA: 1,
        transBatchB: 1,
        transB: 1,
      });
      const less = columns === undefined ? dP : g.apply("Sub", [
        dP,
        g.apply("Transpose", [columns[group][i]], { perm: [1, 0, 2] }),
      ]);
      const dV = overQueries(g, p, outgoing[group][i]);
      const dS = g.apply("Mul", [p, less]);
      const dQ = queriesTurned
        ? product(g, key, dS, { transBatchA: 1, transA: 1, transB: 1, alpha })
        : product(g, dS, key, { transBatchB: 1, alpha });
      const dK = overQueries(g, dS, query, alpha);
      gradients[0].push(dQ);
      [dK, dV].forEach((part, j) => {
        sum[j] = sum[j] === undefined ? part : g.apply("Add", [sum[j], part]);
      });
      last = [dQ, ...sum];
    });
    gradients[1].push(sum[0]);
    gradients[2].push(sum[1]);
  });
  return node.inputs.map((value, i) =>
    (i > 0 ? inColumns(g) : queriesTurned)
      ? turned(g, gradients[i], value!.shape)
      : united(g, gradients[i], value!.shape, heads)
  );
};
