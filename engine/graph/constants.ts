// What of a graph hangs on frozen tensors alone, so that it is the same at every run: what ONNX Runtime
// computes once, at load, where it prepares a graph.
// The trap: nodes are looked at in their order, in which each comes after what it reads.
import type { Graph, Value } from "./graph.ts";

/** Frozen tensors and what is computed from nothing else, by name. */
export function constantsOf({ nodes, frozen }: Graph): ReadonlyMap<string, Value> {
  const constants = new Map(frozen.map(({ value }) => [value.name, value]));
  for (const { inputs, outputs } of nodes) {
    if (inputs.every((value) => value === null || constants.has(value.name))) {
      for (const value of outputs) constants.set(value.name, value);
    }
  }
  return constants;
}
