// What a graph computes and moves: multiplications and additions of its products and convolutions, and the
// bytes that its nodes read and write, from shapes alone.
// The trap: elementwise work is not counted as arithmetic, on a card it is bytes; and a node of a branch
// counts whether the branch is taken or not.
import { sizeInBytes } from "../graph/builder.ts";
import { type Graph, type Node, sizeOf, type Value } from "../graph/graph.ts";

export interface GraphCost {
  /** Floating-point operations, two for each multiplication with its addition. */
  readonly flops: number;
  /** Inputs and outputs of every node, weights included. */
  readonly bytes: number;
  /** Without those that only rename. */
  readonly nodes: number;
}

/** Operators that move nothing. */
const free: ReadonlySet<string> = new Set(["Reshape", "Identity", "If"]);

const last = ({ shape }: Value) => shape[shape.length - 1];

function flopsOf({ op, inputs, outputs, attributes }: Node): number {
  const [a, b, c] = inputs;
  const out = sizeOf(outputs[0].shape);
  switch (op) {
    case "MatMul":
      return 2 * out * last(a!);
    case "Gemm":
      return 2 * out * a!.shape[attributes.transA === 1 ? 0 : 1];
    case "FusedMatMul":
      return 2 * out * a!.shape[a!.shape.length - (attributes.transA === 1 ? 2 : 1)];
    case "Conv":
      return 2 * out * sizeOf(b!.shape.slice(1));
    case "ConvTranspose":
      return 2 * sizeOf(a!.shape) * sizeOf(b!.shape.slice(1));
    case "MultiHeadAttention":
      // Scores and their product with the values; queries are [B, L, C], keys and values [B, S, C].
      return 2 * sizeOf(a!.shape) * b!.shape[1] + 2 * out * c!.shape[1];
    default:
      return 0;
  }
}

export function graphCost(nodes: Graph["nodes"]): GraphCost {
  let [flops, bytes, count] = [0, 0, 0];
  for (const node of nodes) {
    for (const attribute of Object.values(node.attributes)) {
      if (typeof attribute !== "object" || !("nodes" in attribute)) continue;
      const inner = graphCost(attribute.nodes);
      [flops, bytes, count] = [flops + inner.flops, bytes + inner.bytes, count + inner.nodes];
    }
    if (free.has(node.op)) continue;
    const values = [...node.inputs, ...node.outputs].filter((value) => value !== null);
    flops += flopsOf(node);
    bytes += values.reduce((sum, value) => sum + sizeInBytes(value), 0);
    count++;
  }
  return { flops, bytes, nodes: count };
}
