// Reverse mode: walks the nodes backwards and appends, for each, the nodes that its rule gives. Only
// values that depend on `wrt` get a gradient, so frozen weights and everything below the first
// text-dependent layer cost nothing. The trap: ONNX Runtime does not run nodes in the order written, so
// whatever is computed again must wait for the incoming gradient by a data dependency (see gate.ts).
import type { GraphBuilder } from "../graph/builder.ts";
import { GraphError, type Node, type Shape, type Value } from "../graph/graph.ts";
import type { Backward } from "./gradient-rule.ts";
import { Recomputation } from "./recompute.ts";
import { gradientRules } from "./rules.ts";

export interface BackwardOptions {
  /** Attention probabilities are computed again in chunks of at most this many bytes. */
  readonly attentionBytes?: number;
}

/** Appends the gradient of the scalar `result` with respect to `wrt`, in their order. */
export function differentiate(
  g: GraphBuilder,
  result: Value,
  wrt: readonly Value[],
  options: BackwardOptions = {},
): readonly Value[] {
  const forward = [...g.nodes];
  const active = activeValues(forward, wrt);
  const recomputation = new Recomputation(g, forward, g.checkpoints);
  const gradients = new Map<string, Value>([[
    result.name,
    g.constant([1], result.shape, result.dtype),
  ]]);
  const backward: Backward = {
    g,
    attentionBytes: options.attentionBytes ?? Infinity,
    kept: (value) => recomputation.kept(value),
    normal: (gelu) => recomputation.normal(gelu),
    wants: (value) => value !== null && active.has(value.name),
  };
  g.scope("backward", () => {
    for (let i = forward.length - 1; i >= 0; i--) {
      const node = forward[i];
      const incoming = node.outputs.map((value) => gradients.get(value.name) ?? null);
      const gradient = incoming.find((value) => value !== null);
      if (gradient === undefined || !node.inputs.some(backward.wants)) continue;
      recomputation.enter(i, gradient!);
      g.scope(node.name, () => {
        const rule = gradientRules[node.op];
        if (rule === undefined) throw missingRule(node);
        accumulate(g, gradients, node, rule(backward, node, incoming), backward.wants);
      });
    }
  });
  return wrt.map((value) => gradients.get(value.name) ?? zeros(g, value.shape));
}

/** The gradient of what the result does not depend on. */
const zeros = (g: GraphBuilder, shape: Shape): Value => g.filled(0, shape);

function activeValues(nodes: readonly Node[], wrt: readonly Value[]): ReadonlySet<string> {
  const active = new Set(wrt.map((value) => value.name));
  for (const node of nodes) {
    if (node.inputs.some((value) => value !== null && active.has(value.name))) {
      for (const value of node.outputs) active.add(value.name);
    }
  }
  return active;
}

function accumulate(
  g: GraphBuilder,
  gradients: Map<string, Value>,
  node: Node,
  contributions: readonly (Value | null | undefined)[],
  wants: (value: Value | null) => boolean,
): void {
  node.inputs.forEach((input, i) => {
    const contribution = contributions[i];
    if (!contribution || !wants(input)) return;
    const sum = gradients.get(input!.name);
    gradients.set(
      input!.name,
      sum === undefined ? contribution : g.apply("Add", [sum, contribution]),
    );
  });
}

const missingRule = (node: Node) =>
  new GraphError({
    tensor: node.name,
    wanted: `a gradient rule for ${node.op}`,
    found: "none in engine/autodiff/rules.ts",
    fix: "Add the rule and its check against finite differences.",
  });
