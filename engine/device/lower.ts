// Rewrites operators that a provider lacks or computes wrongly into ones that it computes right. WebGPU
// (ONNX Runtime 1.30, measured): MultiHeadAttention is off by 10 % from 17 positions on, transposed
// convolutions are naive loops, and FusedMatMul would run on the CPU with copies there and back.
// The trap: the result must keep its name, so it is what the last node of a rewriting gives.
import { GraphBuilder, sizeInBytes } from "../graph/builder.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { cutHeads, headsIn, joinHeads, splitHeads, uniteHeads } from "../graph/tensor-ops.ts";
import type { Provider } from "./providers.ts";

type Lowering = (g: GraphBuilder, node: Node) => void;

/** Larger tensors exceed what a WebGPU buffer binding may hold, without an error (128 MiB). */
const largestChunk = 64 * 2 ** 20;

const swapLast = (g: GraphBuilder, value: Value): Value => {
  const rank = value.shape.length;
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return g.apply("Transpose", [value], { perm });
};

const scaled = (g: GraphBuilder, value: Value, by: number): Value =>
  by === 1 ? value : g.apply("Mul", [value, g.constant([by], [], value.dtype)]);

const fusedMatMul: Lowering = (g, { inputs: [a, b], attributes }) => {
  const { float: alpha } = attributes.alpha as { float: number };
  const left = attributes.transA === 1 ? swapLast(g, a!) : a!;
  const right = attributes.transB === 1 ? swapLast(g, b!) : b!;
  scaled(g, g.apply("MatMul", [left, right]), alpha);
};

const multiHeadAttention: Lowering = (g, { inputs, attributes }) => {
  const heads = attributes.num_heads as number;
  const { float: scale } = attributes.scale as { float: number };
  const [q, k, v] = inputs.map((value) => splitHeads(g, value!, heads));
  const most = headsIn(largestChunk, sizeInBytes({ ...q, shape: [q.shape[2], k.shape[2]] }));
  const [qs, ks, vs] = [q, k, v].map((value) => cutHeads(g, value, most));
  const parts = qs.map((part, i) => {
    const scores = g.apply("MatMul", [scaled(g, part, scale), swapLast(g, ks[i])]);
    const probabilities = g.apply("Softmax", [scores], { axis: -1 });
    return g.apply("MatMul", [probabilities, vs[i]]);
  });
  joinHeads(g, uniteHeads(g, parts, q.shape));
};

/** With stride 1: the convolution with the weight's channels swapped and its kernel turned round. */
const convTranspose: Lowering = (g, node) => {
  const { inputs: [x, w], attributes } = node;
  const [strides, pads] = [attributes.strides, attributes.pads] as (readonly number[])[];
  if (strides.some((stride) => stride !== 1)) {
    g.nodes.push(node);
    return;
  }
  const [, , height, width] = w!.shape;
  const swapped = g.apply("Transpose", [w!], { perm: [1, 0, 2, 3] });
  const reach = g.integers([-height - 1, -width - 1]);
  const turned = g.apply(
    "Slice",
    [swapped, g.integers([-1, -1]), reach, g.integers([2, 3]), g.integers([-1, -1])],
    {},
    { declared: [swapped] },
  );
  const kernel = [height, width];
  const flipped = pads.map((pad, i) => kernel[i % 2] - 1 - pad);
  g.apply("Conv", [x, turned], { kernel_shape: kernel, strides, pads: flipped });
};

const products: Readonly<Record<string, Lowering>> = { FusedMatMul: fusedMatMul };

const lowerings: Partial<Record<Provider, Readonly<Record<string, Lowering>>>> = {
  webgpu: {
    ...products,
    MultiHeadAttention: multiHeadAttention,
    ConvTranspose: convTranspose,
  },
};

type Nodes = readonly Node[];

/** The node with its branches' nodes changed. */
function inBranches(node: Node, change: (nodes: Nodes) => Nodes): Node {
  const attributes = Object.entries(node.attributes).map(([name, value]) =>
    typeof value === "object" && "nodes" in value
      ? [name, { ...value, nodes: change(value.nodes) }]
      : [name, value]
  );
  return { ...node, attributes: Object.fromEntries(attributes) };
}

/**
 * One cast for each weight, outside all branches. The networks cast a weight anew for each use, so that no
 * converted copy is kept; a GPU converts weights once, when it loads them, and then two casts would be
 * two copies.
 */
function oneCastEach(graph: Graph): Graph {
  const frozen = new Set(graph.frozen.map(({ value }) => value.name));
  const casts = new Map<string, Node>();
  const without = (nodes: Nodes): Nodes => {
    const instead = new Map<string, Value>();
    return nodes.flatMap((node) => {
      const [source] = node.inputs;
      if (node.op === "Cast" && frozen.has(source!.name)) {
        const [output] = node.outputs;
        const name = `${source!.name} as ${output.dtype}`;
        const cast = casts.get(name) ?? { ...node, name, outputs: [{ ...output, name }] };
        casts.set(name, cast);
        instead.set(output.name, cast.outputs[0]);
        return [];
      }
      const inputs = node.inputs.map((value) =>
        value === null ? null : instead.get(value.name) ?? value
      );
      return [{ ...inBranches(node, without), inputs }];
    });
  };
  const nodes = without(graph.nodes);
  return { ...graph, nodes: [...casts.values(), ...nodes] };
}

/** The same computation as `provider` does it best. */
export function lowered(graph: Graph, provider: Provider): Graph {
  return provider === "cpu" ? graph : rewritten(oneCastEach(graph), lowerings[provider] ?? {});
}

function rewritten(graph: Graph, table: Readonly<Record<string, Lowering>>): Graph {
  const frozen = new Map(graph.frozen.map((held) => [held.value.name, held]));
  const rewrite = (nodes: Nodes): Nodes => {
    const g = new GraphBuilder();
    for (const node of nodes) {
      const lower = table[node.op];
      if (lower === undefined) {
        g.nodes.push(inBranches(node, rewrite));
        continue;
      }
      g.scope(node.name, () => lower(g, node));
      const last = g.nodes.pop()!;
      g.nodes.push({ ...last, outputs: node.outputs });
    }
    for (const held of g.frozen) frozen.set(held.value.name, held);
    return g.nodes;
  };
  const nodes = rewrite(graph.nodes);
  return { ...graph, nodes, frozen: [...frozen.values()] };
}
