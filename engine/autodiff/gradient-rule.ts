// What a gradient rule is and what it may use; the rules themselves stand in rules.ts.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/graph.ts";

/** From a node and the gradients of its outputs to those of its inputs (null or missing: none). */
export type GradientRule = (
  backward: Backward,
  node: Node,
  incoming: readonly (Value | null)[],
) => readonly (Value | null | undefined)[];

/** What a gradient rule may use. */
export interface Backward {
  readonly g: GraphBuilder;
  readonly attentionBytes: number;
  /** A value of the forward pass: kept, or computed again inside a checkpointed stretch. */
  kept(value: Value): Value;
  /** What a GELU's result and its gradient are both computed from. */
  normal(gelu: Node): Normal;
  /** Does the gradient of this value matter? */
  wants(value: Value | null): boolean;
}

/** The normal distribution at a GELU's input. */
export interface Normal {
  readonly x: Value;
  /** x / sqrt(2). */
  readonly scaled: Value;
  /** Phi(x). */
  readonly below: Value;
}
