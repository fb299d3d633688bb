// The exact GELU, y = x Phi(x), computed again and differentiated: dx = dy (Phi(x) + x phi(x)), with Phi the
// normal distribution and phi its density. Both need the error function, the dearest of all elementwise
// operators, so one Phi serves both.
// The traps: Phi is a HardSigmoid of the error function, one pass for a factor and a sum. It clamps to 0 and
// 1, which are the bounds of Phi. And y is never the operator again: a card's optimiser would find that equal
// to the forward pass's, and keep it.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import type { GradientRule, Normal } from "./gradient-rule.ts";

export function normalOf(g: GraphBuilder, x: Value): Normal {
  const scaled = g.apply("Mul", [x, g.constant([Math.SQRT1_2], [], x.dtype)]);
  const half = { float: 0.5 };
  const below = g.apply("HardSigmoid", [g.apply("Erf", [scaled])], { alpha: half, beta: half });
  return { x, scaled, below };
}

export const geluAgain = (g: GraphBuilder, { x, below }: Normal): Value =>
  g.apply("Mul", [x, below]);

/** phi(x) = exp(-x^2 / 2 - ln sqrt(2 pi)). */
const logOfLargest = -Math.log(Math.sqrt(2 * Math.PI));

export const geluRule: GradientRule = ({ g, normal }, node, [dy]) => {
  const { x, scaled, below } = normal(node);
  const largest = g.constant([logOfLargest], [], x.dtype);
  const density = g.apply("Exp", [g.apply("Sub", [largest, g.apply("Mul", [scaled, scaled])])]);
  const slope = g.apply("Add", [below, g.apply("Mul", [x, density])]);
  return [g.apply("Mul", [dy!, slope])];
};
