// Passes that give the same outputs with fewer nodes. Differentiation writes freely and leaves the tidying to
// these; each node costs time at load, and an Add of its own is one more pass over memory.
// The trap: what is computed again on purpose must stay apart, so equal nodes are left alone; and the place in
// the list decides when a node runs (run-order.ts), so nothing may come to run much later.
import { type Graph, type Node, sameShape, type Value } from "./graph.ts";

/** Without the nodes that no output needs. */
export function pruneNodes(nodes: readonly Node[], outputs: readonly Value[]): readonly Node[] {
  const needed = new Set(outputs.map((value) => value.name));
  const kept: Node[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.outputs.some((value) => needed.has(value.name))) continue;
    for (const value of node.inputs) if (value !== null) needed.add(value.name);
    kept.push(node);
  }
  return kept.reverse();
}

type Nodes = Pick<Graph, "nodes" | "outputs">;

/** The graph's nodes, simplified; no more than the outputs need. */
export const simplified = ({ nodes, outputs }: Nodes): readonly Node[] => {
  const turned = turnsInProducts(directReshapes(pruneNodes(nodes, outputs)));
  return sumsInProducts({ nodes: directReshapes(pruneNodes(turned, outputs)), outputs });
};

/**
 * A reshape of a reshape reads the first one's input, one to the same shape is its input, and two that give
 * the same are one: none of it copies or holds anything. Each is listed right before its first use.
 */
function directReshapes(nodes: readonly Node[]): readonly Node[] {
  const waiting = new Map<string, Node>();
  const sources = new Map<string, Value>();
  const known = new Map<string, Value>();
  const instead = new Map<string, Value>();
  const direct: Node[] = [];
  for (const node of nodes) {
    if (node.op === "Reshape") {
      const [[input, shape], [output]] = [node.inputs, node.outputs];
      const source = sources.get(input!.name) ?? input!;
      sources.set(output.name, source);
      const key = `${source.name} to ${output.shape}`;
      const same = sameShape(source.shape, output.shape) ? source : known.get(key);
      if (same !== undefined) instead.set(output.name, same);
      else {
        known.set(key, output);
        waiting.set(output.name, { ...node, inputs: [source, shape] });
      }
      continue;
    }
    const reader = withInputs(node, instead);
    for (const value of reader.inputs) {
      const reshape = value === null ? undefined : waiting.get(value.name);
      if (reshape === undefined) continue;
      waiting.delete(value!.name);
      direct.push(reshape);
    }
    direct.push(reader);
  }
  return direct;
}

function withInputs(node: Node, instead: ReadonlyMap<string, Value>): Node {
  if (!node.inputs.some((value) => value !== null && instead.has(value.name))) return node;
  const inputs = node.inputs.map((value) => value && (instead.get(value.name) ?? value));
  return { ...node, inputs };
}

/** Gemm(a', b) reads a as it is. */
function turnsInProducts(nodes: readonly Node[]): readonly Node[] {
  const turned = new Map<string, Value>();
  return nodes.map((node) => {
    const [first, ...others] = node.inputs;
    if (node.op === "Transpose" && first!.shape.length === 2) {
      turned.set(node.outputs[0].name, first!);
    }
    const source = node.op === "Gemm" ? turned.get(first!.name) : undefined;
    if (source === undefined) return node;
    const transA = node.attributes.transA === 1 ? 0 : 1;
    return { ...node, inputs: [source, ...others], attributes: { ...node.attributes, transA } };
  });
}

/** Gemm(a, b) + c, where nothing else reads the product and c is listed before a, is Gemm(a, b, c). */
function sumsInProducts({ nodes, outputs }: Nodes): readonly Node[] {
  const products = new Map<string, Node>();
  const place = new Map<string, number>();
  const uses = new Map<string, number>(outputs.map(({ name }) => [name, 1]));
  nodes.forEach((node, i) => {
    const [{ name }] = node.outputs;
    place.set(name, i);
    if (node.op === "Gemm" && node.inputs.length === 2) products.set(name, node);
    for (const value of node.inputs) {
      if (value !== null) uses.set(value.name, (uses.get(value.name) ?? 0) + 1);
    }
  });
  const absorbed = new Set<Node>();
  const summed = nodes.map((node) => {
    if (node.op !== "Add") return node;
    const [sum, value] = node.inputs as readonly Value[];
    const product = products.get(value.name);
    if (product === undefined || uses.get(value.name) !== 1) return node;
    if (!sameShape(sum.shape, value.shape)) return node;
    if ((place.get(sum.name) ?? -1) > (place.get(product.inputs[0]!.name) ?? Infinity)) return node;
    absorbed.add(product);
    return { ...product, inputs: [...product.inputs, sum], outputs: node.outputs };
  });
  return summed.filter((node) => !absorbed.has(node));
}
