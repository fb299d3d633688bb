// What DirectML gets in other operators (ONNX Runtime 1.30, read in its source): it has Gelu in Microsoft's
// domain only, and LayerNormalization with one result only; others it leaves to the CPU, with copies there
// and back, 742 times a step.
// The trap: nobody has run it. The table of kernels says that each operator is there, no more.
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import type { Lowering } from "./lowering.ts";

const gelu: Lowering = (g, { inputs }) => [
  g.apply("Gelu", inputs, {}, { domain: "com.microsoft" }),
];

function rowMean(g: GraphBuilder, value: Value): Value {
  const last = value.shape.length - 1;
  return g.apply("ReduceMean", [value, g.integers([last])], { keepdims: 1 }, {
    declared: [{ dtype: value.dtype, shape: [...value.shape.slice(0, last), 1] }],
  });
}

/** The mean, and one over the deviation, of each row, in float32. */
function statistics(g: GraphBuilder, x: Value, epsilon: number): readonly [Value, Value] {
  const wide = g.cast(x, "float32");
  const mean = rowMean(g, wide);
  const off = g.apply("Sub", [wide, mean]);
  const variance = rowMean(g, g.apply("Mul", [off, off]));
  const deviation = g.apply("Sqrt", [
    g.apply("Add", [variance, g.constant([epsilon], [], "float32")]),
  ]);
  return [mean, g.apply("Div", [g.constant([1], [], "float32"), deviation])];
}

const layerNormalization: Lowering = (g, { inputs, outputs, attributes }, isRead) => {
  const [x] = inputs;
  const { dtype, shape } = x!;
  const y = g.apply("LayerNormalization", inputs, attributes, { declared: [{ dtype, shape }] });
  if (outputs.slice(1).every((value) => !isRead(value))) return [y];
  const { float: epsilon } = attributes.epsilon as { float: number };
  return [y, ...statistics(g, x!, epsilon)];
};

export const dmlLowerings: Readonly<Record<string, Lowering>> = {
  Gelu: gelu,
  LayerNormalization: layerNormalization,
};
