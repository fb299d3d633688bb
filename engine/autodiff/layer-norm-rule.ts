// Gradient of layer normalisation over the last axis with respect to its input (Ba et al. 2016):
// dx = rstd (dh - mean(dh) - xhat mean(dh xhat)), dh = dy scale, xhat = (x - mean) rstd.
// Only x and its deviation per row are kept, or xhat itself where it is the result, as in group
// normalisation. Tensors have the compute type; the kernels sum rows in float32.
// The trap: x and its deviation may lie far outside of what xhat spans, so xhat is never multiplied out.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import type { GradientRule } from "./gradient-rule.ts";

function rowMean(g: GraphBuilder, value: Value): Value {
  const last = value.shape.length - 1;
  return g.apply("ReduceMean", [value, g.integers([last])], { keepdims: 1 }, {
    declared: [{ dtype: value.dtype, shape: [...value.shape.slice(0, last), 1] }],
  });
}

export const layerNormRule: GradientRule = ({ g, kept }, node, [dy]) => {
  const [x, scale, bias] = node.inputs;
  const [y, , rstd] = node.outputs;
  const ones = g.filled(1, scale!.shape, x!.dtype);
  const isPlain = g.stored(scale!) === g.stored(ones) && bias === undefined;
  const normalised = isPlain
    ? kept(y)
    : g.apply("LayerNormalization", [kept(x!), ones], node.attributes);
  const dh = isPlain ? dy! : g.apply("Mul", [dy!, g.weightAgain(scale!)]);
  const along = g.apply("Mul", [normalised, rowMean(g, g.apply("Mul", [dh, normalised]))]);
  const across = g.apply("Sub", [g.apply("Sub", [dh, rowMean(g, dh)]), along]);
  return [g.apply("Mul", [across, g.cast(kept(rstd), x!.dtype)])];
};
