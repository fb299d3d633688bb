// Products of many terms in float32 on a device whose float16 kernels add up in float16, as WebGPU's do: their
// operands are widened right before, and the result is rounded once. Everything between stays float16.
// The trap: a widened weight that ONNX Runtime folds at load would be held twice as large for good. A zero
// that depends on the other operand keeps it from that, so the wide copy lives for one product.
import { zeroAfter } from "../autodiff/gate.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import { constantsOf } from "../graph/constants.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { terms } from "../graph/terms.ts";
import type { Lowering } from "./lowering.ts";

/** So many terms of float16 add up to within 2e-3, whatever their signs. */
export const mostTerms = 128;

/** Of this graph, by operator. */
export function widerSums(graph: Graph): Readonly<Record<string, Lowering>> {
  const constants = constantsOf(graph);
  const widened = (g: GraphBuilder, value: Value, other: Value): Value => {
    const zero = () => g.cast(zeroAfter(g, value.shape.length, other), value.dtype);
    const held = constants.has(value.name) && !constants.has(other.name);
    return g.cast(held ? g.apply("Add", [value, zero()]) : value, "float32");
  };
  const lowering: Lowering = (g, node) => {
    const [a, b, ...bias] = node.inputs;
    if (a!.dtype !== "float16" || terms[node.op](node) <= mostTerms) {
      g.nodes.push(node);
      return node.outputs;
    }
    const wide = [
      widened(g, a!, b!),
      widened(g, b!, a!),
      ...bias.map((value) => value && g.cast(value, "float32")),
    ];
    const result = g.apply(node.op, wide, node.attributes, { domain: node.domain });
    return [g.cast(result, "float16")];
  };
  return Object.fromEntries(Object.keys(terms).map((op) => [op, lowering]));
}
