// Drops the nodes that no output needs. Differentiation writes freely and leaves the tidying to this.
import type { Node, Value } from "./graph.ts";

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
