// One operator rewritten for one provider.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/graph.ts";

/**
 * Adds what computes the same as `node`, and gives the values that take the place of its results, in their
 * order; undefined for one that nothing reads (`isRead`).
 */
export type Lowering = (
  g: GraphBuilder,
  node: Node,
  isRead: (value: Value) => boolean,
) => readonly (Value | undefined)[];
