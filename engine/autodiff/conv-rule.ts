// Gradient of a convolution with respect to its input: the transposed convolution with the same weight.
// The trap: a stride-2 convolution forgets whether its input was even, so output_padding is worked out
// from the sizes and is 1 only where it was.
import type { GradientRule } from "./gradient-rule.ts";

export const convRule: GradientRule = ({ g }, { inputs: [x, w], attributes }, [dy]) => {
  const strides = attributes.strides as readonly number[];
  const pads = attributes.pads as readonly number[];
  const spatial = x!.shape.slice(2);
  const output_padding = spatial.map((size, i) => {
    const shrunk = (dy!.shape[2 + i] - 1) * strides[i];
    return size - (shrunk + w!.shape[2 + i] - pads[i] - pads[i + spatial.length]);
  });
  return [g.apply("ConvTranspose", [dy!, g.weightAgain(w!)], { strides, pads, output_padding })];
};
