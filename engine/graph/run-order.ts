// The order in which ONNX Runtime runs a graph's nodes on the CPU: a depth-first walk back from the
// outputs that comes back from a node after all its inputs. The trap: serialiseGraph lists nodes last to
// first, and the walk enters what is listed latest first; both are repeated here.
import type { Graph, Node } from "./graph.ts";

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

/**
 * Nodes listed in an order that computes, as ONNX wants it inside a branch, and from which the walk finds
 * nearly `runOrder`: of all nodes that could be listed next, the one that is to run last.
 */
export function listedForWalk(nodes: readonly Node[]): readonly Node[] {
  const order = runOrder({ nodes });
  const place = new Map(order.map((node, i) => [node, i]));
  const maker = new Map(order.flatMap((node) => node.outputs.map(({ name }) => [name, node])));
  const users = new Map<Node, Node[]>(order.map((node) => [node, []]));
  const waiting = new Map<Node, number>();
  for (const node of order) {
    const makers = new Set(node.inputs.flatMap((value) => maker.get(value?.name ?? "") ?? []));
    waiting.set(node, makers.size);
    for (const each of makers) users.get(each)!.push(node);
  }
  /** By place; the last is taken. */
  const ready = order.filter((node) => waiting.get(node) === 0);
  const listed: Node[] = [];
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    listed.push(node);
    for (const user of users.get(node)!) {
      const left = waiting.get(user)! - 1;
      waiting.set(user, left);
      if (left > 0) continue;
      const after = ready.findLastIndex((other) => place.get(other)! < place.get(user)!);
      ready.splice(after + 1, 0, user);
    }
  }
  return listed;
}
