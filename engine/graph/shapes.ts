// Shape inference: one table from operator to the shapes (and types) of its outputs, for the operators
// that the networks and their gradients use. The trap: every operator computed here must be computed
// the same way by ONNX Runtime, or a session fails at load with a message nobody understands.
import { type Attribute, type DType, GraphError, type Shape, sizeOf, type Value } from "./graph.ts";

export interface OutputType {
  readonly dtype: DType;
  readonly shape: Shape;
}

type Attributes = Readonly<Record<string, Attribute>>;
type Rule = (inputs: readonly (Value | null)[], attributes: Attributes) => readonly OutputType[];

const mismatch = (wanted: string, found: string) =>
  new GraphError({ wanted, found, fix: "This is a defect of the network's builder; report it." });

/** NumPy broadcasting of two shapes. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw mismatch("shapes that broadcast", `[${a}] and [${b}]`);
    }
    return x === 1 ? y : x;
  });
}

const numbers = (attribute: Attribute | undefined): readonly number[] =>
  Array.isArray(attribute) ? attribute : [];
const integer = (attribute: Attribute | undefined, otherwise: number): number =>
  typeof attribute === "number" ? attribute : otherwise;
const same: Rule = ([x]) => [{ dtype: x!.dtype, shape: x!.shape }];
const broadcast: Rule = ([a, b]) => [{
  dtype: a!.dtype,
  shape: broadcastShapes(a!.shape, b!.shape),
}];
const axisOf = (axis: number, rank: number): number => axis < 0 ? axis + rank : axis;

const matMul: Rule = ([a, b]) => {
  const [m, k] = a!.shape.slice(-2);
  const [k2, n] = b!.shape.slice(-2);
  if (k !== k2) throw mismatch("inner sizes that agree", `[${a!.shape}] x [${b!.shape}]`);
  const batch = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
  return [{ dtype: a!.dtype, shape: [...batch, m, n] }];
};

/** com.microsoft: a product of stacks of matrices, each as it is or turned in two ways, times alpha. */
const fusedMatMul: Rule = ([a, b], attributes) => {
  const turned = (value: Value, side: "A" | "B"): Value => {
    const { shape } = value;
    const stacked = integer(attributes[`transBatch${side}`], 0)
      ? [...shape.slice(1, -1), shape[0], ...shape.slice(-1)]
      : shape;
    return integer(attributes[`trans${side}`], 0)
      ? { ...value, shape: [...stacked.slice(0, -2), ...stacked.slice(-2).reverse()] }
      : { ...value, shape: stacked };
  };
  return matMul([turned(a!, "A"), turned(b!, "B")], {});
};

const gemm: Rule = ([a, b], attributes) => {
  const [m, k] = integer(attributes.transA, 0) ? [...a!.shape].reverse() : a!.shape;
  const [k2, n] = integer(attributes.transB, 0) ? [...b!.shape].reverse() : b!.shape;
  if (k !== k2) throw mismatch("inner sizes that agree", `[${a!.shape}] x [${b!.shape}]`);
  return [{ dtype: a!.dtype, shape: [m, n] }];
};

const conv: Rule = ([x, w], attributes) => {
  const [batch, , ...spatial] = x!.shape;
  const [out, , ...kernel] = w!.shape;
  const strides = numbers(attributes.strides);
  const pads = numbers(attributes.pads);
  const size = spatial.map((d, i) =>
    Math.floor((d + pads[i] + pads[i + spatial.length] - kernel[i]) / (strides[i] ?? 1)) + 1
  );
  return [{ dtype: x!.dtype, shape: [batch, out, ...size] }];
};

const convTranspose: Rule = ([x, w], attributes) => {
  const [batch, , ...spatial] = x!.shape;
  const [, out, ...kernel] = w!.shape;
  const strides = numbers(attributes.strides);
  const pads = numbers(attributes.pads);
  const extra = numbers(attributes.output_padding);
  const size = spatial.map((d, i) =>
    (d - 1) * (strides[i] ?? 1) + kernel[i] - pads[i] - pads[i + spatial.length] + (extra[i] ?? 0)
  );
  return [{ dtype: x!.dtype, shape: [batch, out, ...size] }];
};

const layerNormalization: Rule = ([x], attributes) => {
  const axis = axisOf(integer(attributes.axis, -1), x!.shape.length);
  const statistics = x!.shape.map((d, i) => i < axis ? d : 1);
  return [
    { dtype: x!.dtype, shape: x!.shape },
    { dtype: "float32", shape: statistics },
    { dtype: "float32", shape: statistics },
  ];
};

const concat: Rule = (inputs, attributes) => {
  const first = inputs[0]!;
  const axis = axisOf(integer(attributes.axis, 0), first.shape.length);
  const total = inputs.reduce((sum, x) => sum + x!.shape[axis], 0);
  return [{ dtype: first.dtype, shape: first.shape.map((d, i) => i === axis ? total : d) }];
};

const transpose: Rule = ([x], attributes) => [{
  dtype: x!.dtype,
  shape: numbers(attributes.perm).map((p) => x!.shape[p]),
}];

const averagePool: Rule = ([x], attributes) => {
  const kernel = numbers(attributes.kernel_shape);
  const strides = numbers(attributes.strides);
  const shape = x!.shape.map((d, i) =>
    i < 2 ? d : Math.floor((d - kernel[i - 2]) / strides[i - 2]) + 1
  );
  return [{ dtype: x!.dtype, shape }];
};

/** Operators whose output type follows from inputs and attributes alone. */
const rules: Readonly<Record<string, Rule>> = {
  Add: broadcast,
  Sub: broadcast,
  Mul: broadcast,
  Div: broadcast,
  Neg: same,
  Exp: same,
  Erf: same,
  Sqrt: same,
  Sigmoid: same,
  HardSigmoid: same,
  Gelu: same,
  QuickGelu: same,
  Softmax: same,
  MultiHeadAttention: ([q, , v]) => [{
    dtype: q!.dtype,
    shape: [...q!.shape.slice(0, 2), v!.shape[2]],
  }],
  MatMul: matMul,
  FusedMatMul: fusedMatMul,
  Gemm: gemm,
  Conv: conv,
  ConvTranspose: convTranspose,
  LayerNormalization: layerNormalization,
  Concat: concat,
  Transpose: transpose,
  AveragePool: averagePool,
};

/** Output types of `op`; `declared` serves operators whose shape is an argument (Reshape, Resize ...). */
export function inferTypes(
  op: string,
  inputs: readonly (Value | null)[],
  attributes: Attributes,
  declared?: readonly OutputType[],
): readonly OutputType[] {
  if (declared !== undefined) {
    const size = declared[0].shape;
    if (op === "Reshape" && sizeOf(size) !== sizeOf(inputs[0]!.shape)) {
      throw mismatch(`a reshape that keeps the size`, `[${inputs[0]!.shape}] to [${size}]`);
    }
    return declared;
  }
  const rule = rules[op];
  if (rule === undefined) throw mismatch(`a shape rule for ${op}`, "none");
  return rule(inputs, attributes);
}
