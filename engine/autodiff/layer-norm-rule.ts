// Gradient of layer normalisation over the last axis with respect to its input (Ba et al. 2016):
// dx = rstd (dh - mean(dh) - xhat mean(dh xhat)), dh = dy scale, xhat = (x - mean) rstd.
// Only x and two statistics per row are kept; the statistics are float32 whatever the compute type is.
import type { Value } from "../graph/graph.ts";
import type { GradientRule } from "./rules.ts";

export const layerNormRule: GradientRule = ({ g, kept }, node, [dy]) => {
  const [x, scale] = node.inputs;
  const [, mean, rstd] = node.outputs;
  const axes = [x!.shape.length - 1];
  const rowMean = (value: Value) =>
    g.apply("ReduceMean", [value, g.integers(axes)], { keepdims: 1 }, {
      declared: [{ dtype: value.dtype, shape: value.shape.map((d, i) => i === axes[0] ? 1 : d) }],
    });
  const centred = g.apply("Sub", [g.cast(kept(x!), "float32"), kept(mean)]);
  const normalised = g.apply("Mul", [centred, kept(rstd)]);
  const dh = g.cast(g.apply("Mul", [dy!, g.weightAgain(scale!)]), "float32");
  const along = g.apply("Mul", [normalised, rowMean(g.apply("Mul", [dh, normalised]))]);
  const across = g.apply("Sub", [g.apply("Sub", [dh, rowMean(dh)]), along]);
  return [g.cast(g.apply("Mul", [across, kept(rstd)]), x!.dtype)];
};
