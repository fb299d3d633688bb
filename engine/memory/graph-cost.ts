// What a graph computes and moves: multiplications and additions of its products and convolutions, and the
// bytes that its nodes read and write, from shapes alone.
// The trap: elementwise work is not counted as arithmetic, on a card it is bytes; and a node of a branch
// counts whether the branch is taken or not.
import { sizeInBytes } from "../graph/builder.ts";
import { branchesOf, type Graph, type Node, sizeOf } from "../graph/graph.ts";
import { terms } from "../graph/terms.ts";

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

function flopsOf(node: Node): number {
  const { op, inputs: [a, b, c], outputs } = node;
  const out = sizeOf(outputs[0].shape);
  switch (op) {
    case "ConvTranspose":
      // Of each element of the result only some; of each of the input all.
      return 2 * sizeOf(a!.shape) * sizeOf(b!.shape.slice(1));
    case "MultiHeadAttention":
      // Scores and their product with the values; queries are [B, L, C], keys and values [B, S, C].
      return 2 * sizeOf(a!.shape) * b!.shape[1] + 2 * out * c!.shape[1];
    default:
      return 2 * out * (terms[op]?.(node) ?? 0);
  }
}

const nothing: GraphCost = { flops: 0, bytes: 0, nodes: 0 };

const sum = (a: GraphCost, b: GraphCost): GraphCost => ({
  flops: a.flops + b.flops,
  bytes: a.bytes + b.bytes,
  nodes: a.nodes + b.nodes,
});

/** Of a node, its branches included. */
function nodeCost(node: Node): GraphCost {
  const branches = branchesOf(node).map(({ nodes }) => graphCost(nodes));
  if (free.has(node.op)) return branches.reduce(sum, nothing);
  const values = [...node.inputs, ...node.outputs].filter((value) => value !== null);
  const bytes = values.reduce((total, value) => total + sizeInBytes(value), 0);
  return [{ flops: flopsOf(node), bytes, nodes: 1 }, ...branches].reduce(sum);
}

export const graphCost = (nodes: Graph["nodes"]): GraphCost =>
  nodes.map(nodeCost).reduce(sum, nothing);

/** What the nodes of each kind cost together, the kind that moves most bytes first. */
export function costsBy(
  nodes: Graph["nodes"],
  kindOf: (node: Node) => string,
): readonly (readonly [kind: string, cost: GraphCost])[] {
  const costs = new Map<string, GraphCost>();
  for (const node of nodes) {
    const kind = kindOf(node);
    costs.set(kind, sum(costs.get(kind) ?? nothing, nodeCost(node)));
  }
  return [...costs].sort(([, a], [, b]) => b.bytes - a.bytes);
}

/** The operator whose gradient a node belongs to; what is computed again stands by itself. */
export function ruleOf({ name }: Pick<Node, "name">): string {
  const path = name.split("/");
  if (path[0] !== "backward") return "forward";
  if (path[1] === "again") return "forward, again";
  return `gradient of ${path.at(-2)!.replace(/_\d+$/, "")}`;
}
