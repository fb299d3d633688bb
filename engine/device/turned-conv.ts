// The gradient of a convolution as a convolution: with stride 1, ConvTranspose is Conv with the weight's
// channels swapped and its kernel turned round.
// The trap: the kernel is turned along one axis of height x width; along two the copy takes longer.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/graph.ts";
import { reshape } from "../graph/tensor-ops.ts";

/** What the convolution has in the place of a ConvTranspose's; undefined: its stride is not 1. */
export function turnedConv(
  g: GraphBuilder,
  { inputs: [, w], attributes }: Node,
): { readonly weight: Value; readonly attributes: Node["attributes"] } | undefined {
  const [strides, pads] = [attributes.strides, attributes.pads] as (readonly number[])[];
  if (strides.some((stride) => stride !== 1)) return undefined;
  const [from, to, ...kernel] = w!.shape;
  const size = kernel[0] * kernel[1];
  const flat = reshape(g, w!, [from, to, size]);
  const [start, end] = [g.integers([-1]), g.integers([-size - 1])];
  const back = g.apply("Slice", [flat, start, end, g.integers([2]), start], {}, {
    declared: [flat],
  });
  const swapped = g.apply("Transpose", [back], { perm: [1, 0, 2] });
  return {
    weight: reshape(g, swapped, [to, from, ...kernel]),
    attributes: {
      kernel_shape: kernel,
      strides,
      pads: pads.map((pad, i) => kernel[i % 2] - 1 - pad),
    },
  };
}
