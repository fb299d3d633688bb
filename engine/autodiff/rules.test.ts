// Every gradient rule against central differences of the same graph's forward pass, along a random
// direction, on ONNX Runtime in float32.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Device } from "../device/device.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { type Shape, sizeOf, type Value } from "../graph/graph.ts";
import { product, reduceSum, reshape } from "../graph/tensor-ops.ts";
import { relativeError } from "../probe/compare.ts";
import { normals } from "../random/draw.ts";
import { differentiate } from "./backward.ts";
import { gradientRules } from "./rules.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

type Build = (g: GraphBuilder, inputs: readonly Value[]) => Value;

const random = (purpose: string, item: number, shape: Shape): Float32Array =>
  Float32Array.from(normals({ seed: 7, purpose, step: 0, item }, sizeOf(shape)));

const held = (g: GraphBuilder, item: number, shape: Shape): Value =>
  g.constant([...random("constant", item, shape)], shape);

const microsoft = { domain: "com.microsoft" };
const conv = (x: Shape, w: Shape, stride: number, pads: readonly number[]): Case => ({
  shapes: [x],
  build: (g, [value]) =>
    g.apply("Conv", [value, held(g, 1, w), held(g, 2, [w[0]])], {
      kernel_shape: w.slice(2),
      strides: [stride, stride],
      pads,
    }),
});

interface Case {
  readonly shapes: readonly Shape[];
  readonly build: Build;
  readonly attentionBytes?: number;
}

const attention = (attentionBytes?: number, keys = 7): Case => ({
  shapes: [[2, 5, 12], [2, keys, 12], [2, keys, 12]],
  build: (g, inputs) =>
    g.apply("MultiHeadAttention", inputs, { num_heads: 3, scale: { float: 0.5 } }, microsoft),
  ...(attentionBytes === undefined ? {} : { attentionBytes }),
});

const cases: Readonly<Record<string, Case>> = {
  "Add, broadcast": {
    shapes: [[2, 3, 4], [3, 1]],
    build: (g, inputs) => g.apply("Add", inputs),
  },
  "Sub, broadcast": { shapes: [[3, 1], [2, 3, 4]], build: (g, inputs) => g.apply("Sub", inputs) },
  "Mul, broadcast": { shapes: [[2, 3, 4], [4]], build: (g, inputs) => g.apply("Mul", inputs) },
  "Mul by itself": { shapes: [[3, 4]], build: (g, [x]) => g.apply("Mul", [x, x]) },
  MatMul: { shapes: [[2, 3, 4], [2, 4, 5]], build: (g, inputs) => g.apply("MatMul", inputs) },
  "MatMul, one matrix for all": {
    shapes: [[2, 3, 4], [4, 5]],
    build: (g, inputs) => g.apply("MatMul", inputs),
  },
  FusedMatMul: {
    shapes: [[2, 3, 4], [2, 4, 5]],
    build: (g, [a, b]) => product(g, a, b, { alpha: 0.7 }),
  },
  "FusedMatMul, the second turned": {
    shapes: [[2, 3, 4], [2, 5, 4]],
    build: (g, [a, b]) => product(g, a, b, { transB: 1, alpha: 0.7 }),
  },
  "Gemm with the weight as [out, in]": {
    shapes: [[3, 4]],
    build: (g, [x]) => g.apply("Gemm", [x, held(g, 1, [5, 4]), held(g, 2, [5])], { transB: 1 }),
  },
  "Gemm with the weight as [in, out]": {
    shapes: [[3, 4]],
    build: (g, [x]) => g.apply("Gemm", [x, held(g, 1, [4, 5])], { transB: 0 }),
  },
  "Conv 3x3": conv([2, 3, 5, 4], [6, 3, 3, 3], 1, [1, 1, 1, 1]),
  "Conv 1x1": conv([2, 3, 5, 4], [6, 3, 1, 1], 1, [0, 0, 0, 0]),
  "Conv with stride 2 on an even size": conv([1, 3, 6, 4], [5, 3, 3, 3], 2, [1, 1, 1, 1]),
  "Conv with stride 2 on an odd size": conv([1, 3, 5, 7], [5, 3, 3, 3], 2, [1, 1, 1, 1]),
  "Conv with stride 2, padded below": conv([1, 3, 6, 4], [5, 3, 3, 3], 2, [0, 0, 1, 1]),
  LayerNormalization: {
    shapes: [[3, 16]],
    build: (g, [x]) =>
      g.apply("LayerNormalization", [x, held(g, 1, [16]), held(g, 2, [16])], {
        axis: -1,
        epsilon: { float: 1e-5 },
      }),
  },
  "LayerNormalization that only normalises": {
    shapes: [[3, 16]],
    build: (g, [x]) =>
      g.apply("LayerNormalization", [x, g.filled(1, [16])], {
        axis: -1,
        epsilon: { float: 1e-5 },
      }),
  },
  Softmax: { shapes: [[2, 3, 5]], build: (g, [x]) => g.apply("Softmax", [x], { axis: -1 }) },
  MultiHeadAttention: attention(),
  "MultiHeadAttention, two heads at a time": attention(2 * 5 * 7 * 4),
  "MultiHeadAttention, two queries of a head at a time": attention(2 * 7 * 4),
  "MultiHeadAttention, a query at a time": attention(1),
  "MultiHeadAttention, many keys": attention(undefined, 40),
  "MultiHeadAttention, many keys, four heads at a time": attention(4 * 5 * 40 * 4, 40),
  "MultiHeadAttention, many keys, three queries of a head at a time": attention(3 * 40 * 4, 40),
  Gelu: { shapes: [[4, 9]], build: (g, [x]) => g.apply("Gelu", [x]) },
  "QuickGelu as SiLU": {
    shapes: [[4, 9]],
    build: (g, [x]) => g.apply("QuickGelu", [x], { alpha: { float: 1 } }, microsoft),
  },
  "QuickGelu of CLIP": {
    shapes: [[4, 9]],
    build: (g, [x]) => g.apply("QuickGelu", [x], { alpha: { float: 1.702 } }, microsoft),
  },
  Reshape: { shapes: [[2, 6]], build: (g, [x]) => reshape(g, x, [3, 4]) },
  Transpose: {
    shapes: [[2, 3, 4]],
    build: (g, [x]) => g.apply("Transpose", [x], { perm: [2, 0, 1] }),
  },
  Concat: {
    shapes: [[2, 3], [2, 5]],
    build: (g, [a, b]) => g.apply("Concat", [a, held(g, 1, [2, 2]), b], { axis: 1 }),
  },
  Resize: {
    shapes: [[1, 2, 3, 2]],
    build: (g, [x]) =>
      g.apply("Resize", [x, null, null, g.integers([1, 2, 6, 4])], {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }, { declared: [{ dtype: "float32", shape: [1, 2, 6, 4] }] }),
  },
  ReduceSum: { shapes: [[2, 3, 4]], build: (g, [x]) => reduceSum(g, x, [0, 2]) },
  Cast: { shapes: [[4]], build: (g, [x]) => g.cast(g.cast(x, "float16"), "float32") },
};

const inFloat16 = {
  "in one piece": {},
  "a head at a time": { bytes: 5 * 7 * 2 },
  "two queries at a time": { bytes: 2 * 7 * 2 },
};
for (const [how, { bytes = Infinity }] of Object.entries<{ readonly bytes?: number }>(inFloat16)) {
  for (const batch of [1, 2]) {
    test(`attention's gradients in float16, ${how}, batch ${batch}, are float32's`, async () => {
      const [wanted, found] = await Promise.all((["float32", "float16"] as const).map((compute) => {
        const g = new GraphBuilder(compute);
        const inputs = [5, 7, 7].map((rows, i) => g.input(`x${i}`, [batch, rows, 12]));
        // As a layer has it: the gradient goes on into a product with a weight.
        const layers = inputs.map((x, i) => {
          const flat = reshape(g, g.cast(x, compute), [batch * x.shape[1], 12]);
          const weight = held(g, 20 + i, [12, 12]);
          return reshape(g, g.apply("Gemm", [flat, weight], { transB: 1 }), x.shape);
        });
        const y = g.apply("MultiHeadAttention", layers, {
          ...{ num_heads: 3, scale: { float: 0.5 } },
        }, microsoft);
        const gradients = differentiate(g, scalar(g, y), inputs, { attentionBytes: bytes });
        const graph = g.finish(Object.fromEntries(gradients.map((each, i) => [`d${i}`, each])));
        return device.load(graph).then((session) =>
          session.run(
            Object.fromEntries(
              inputs.map((
                { name, shape },
                i,
              ) => [name, {
                type: "float32" as const,
                dims: shape,
                data: random("input", i, shape),
              }]),
            ),
          )
        );
      }));
      for (const name of ["d0", "d1", "d2"]) {
        assert.ok(relativeError(found[name].data, wanted[name].data) < 1e-2, name);
      }
    });
  }
}

test("every rule of the table has a case", () => {
  const covered = new Set(Object.keys(cases).map((name) => name.split(/[ ,]/)[0]));
  assert.deepEqual(Object.keys(gradientRules).filter((op) => !covered.has(op)), []);
});

/** sum(coefficients * build(inputs)): a scalar that depends on every element of the result. */
function scalar(g: GraphBuilder, value: Value): Value {
  const product = g.apply("Mul", [value, held(g, 99, value.shape)]);
  return reshape(g, reduceSum(g, product, value.shape.map((_, i) => i)), [1]);
}

for (const [name, { shapes, build, attentionBytes }] of Object.entries(cases)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    const g = new GraphBuilder();
    const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
    const result = scalar(g, build(g, inputs));
    const options = attentionBytes === undefined ? {} : { attentionBytes };
    const gradients = differentiate(g, result, inputs, options);
    const session = await device.load(g.finish({
      result,
      ...Object.fromEntries(gradients.map((gradient, i) => [`d${i}`, gradient])),
    }));
    const at = shapes.map((shape, i) => random("input", i, shape));
    const direction = shapes.map((shape, i) => random("direction", i, shape));
    // float16 resolves about 1e-3, everything else more: the step stays well above either.
    const step = name === "Cast" ? 0.25 : 1 / 128;
    const run = (move: number) =>
      session.run(Object.fromEntries(shapes.map((dims, i) => {
        const data = at[i].map((value, k) => value + move * direction[i][k]);
        return [`x${i}`, { type: "float32" as const, dims, data }];
      })));
    const [up, down, here] = [await run(step), await run(-step), await run(0)];
    const difference = (up.result.data[0] - down.result.data[0]) / (2 * step);
    let slope = 0;
    let size = 0;
    shapes.forEach((_, i) =>
      here[`d${i}`].data.forEach((value, k) => {
        slope += value * direction[i][k];
        size += Math.abs(value * direction[i][k]);
      })
    );
    assert.ok(size > 0.1, "the gradient is not zero");
    assert.ok(Math.abs(slope - difference) < 4e-3 * size, `${slope} against ${difference}`);
    await session.release();
  });
}
