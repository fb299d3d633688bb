// The order in which ONNX Runtime runs a graph's nodes on the CPU: a depth-first walk back from the
// outputs that comes back from a node after all its inputs. The trap: serialiseGraph lists nodes last to
// first, and the walk enters what is listed latest first; both are repeated here.
import type { Graph, Node } from "../graph/graph.ts";

export function runOrder({ nodes }: Pick<Graph, "nodes">): readonly Node[] {
  const listed = nodes.toReversed();
  const maker = new Map(listed.flatMap((node, i) => node.outputs.map(({ name }) => [name, i])));
  const inputs = listed.map((node) => {
    const makers = node.inputs.flatMap((value) =>
      value === null ? [] : maker.get(value.name) ?? []
    );
    return [...new Set(makers)].sort((a, b) => a - b);
  });
  const consumed = new Set(inputs.flat());
  const stack = listed.flatMap((_, i) => consumed.has(i) ? [] : [{ node: i, left: false }]);
  const entered = new Set<number>();
  const order: Node[] = [];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, left } = top;
    if (left) order.push(listed[node]);
    if (left || entered.has(node)) continue;
    entered.add(node);
    stack.push({ node, left: true });
    for (const input of inputs[node]) {
      if (!entered.has(input)) stack.push({ node: input, left: false });
    }
  }
  return order;
}
