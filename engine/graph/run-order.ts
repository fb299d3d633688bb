// The order in which ONNX Runtime runs a graph's nodes on the CPU: a depth-first walk back from the
// outputs that comes back from a node after all its inputs. The trap: serialiseGraph lists nodes last to
// first, and the walk enters what is listed latest first; both are repeated here.
import type { Graph, Node } from "./graph.ts";

export function runOrder({ nodes }: Pick<Graph, "nodes">): readonly Node[] {
  const listed = nodes.toReversed();
  const makers = makersOf(listed);
  const isRead = new Uint8Array(listed.length);
  for (const each of makers) for (const maker of each) isRead[maker] = 1;
  /** Nodes to enter; one that is to be left, once its inputs were, as its complement. */
  const stack = listed.flatMap((_, i) => isRead[i] === 1 ? [] : [i]);
  const entered = new Uint8Array(listed.length);
  const order: Node[] = [];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top < 0) order.push(listed[~top]);
    if (top < 0 || entered[top] === 1) continue;
    entered[top] = 1;
    stack.push(~top);
    for (const maker of makers[top]) if (entered[maker] === 0) stack.push(maker);
  }
  return order;
}

/** For each node the places of those that make its inputs, each once, ascending. */
function makersOf(nodes: readonly Node[]): readonly (readonly number[])[] {
  const maker = new Map<string, number>();
  nodes.forEach(({ outputs }, i) => {
    for (const { name } of outputs) maker.set(name, i);
  });
  return nodes.map(({ inputs }) => {
    const makers: number[] = [];
    for (const value of inputs) {
      const place = value === null ? undefined : maker.get(value.name);
      if (place !== undefined && !makers.includes(place)) makers.push(place);
    }
    return makers.sort((a, b) => a - b);
  });
}

/**
 * Nodes listed in an order that computes, as ONNX wants it inside a branch, and from which the walk finds
 * nearly `runOrder`: of all nodes that could be listed next, the one that is to run last.
 */
export function listedForWalk(nodes: readonly Node[]): readonly Node[] {
  const order = runOrder({ nodes });
  const makers = makersOf(order);
  const waiting = Int32Array.from(makers, ({ length }) => length);
  const users = order.map((): number[] => []);
  makers.forEach((each, user) => {
    for (const maker of each) users[maker].push(user);
  });
  /** Ascending; the last is taken. */
  const ready = order.flatMap((_, place) => waiting[place] === 0 ? [place] : []);
  const listed: Node[] = [];
  for (let place = ready.pop(); place !== undefined; place = ready.pop()) {
    listed.push(order[place]);
    for (const user of users[place]) {
      waiting[user]--;
      if (waiting[user] > 0) continue;
      ready.splice(ready.findLastIndex((other) => other < user) + 1, 0, user);
    }
  }
  return listed;
}
