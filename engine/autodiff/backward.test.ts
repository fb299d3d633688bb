// Reverse mode as a whole, on random small graphs: values used many times, some only on the way to others,
// weights between them, stretches that are computed again. The slope along a direction is compared with
// central differences, and the gradients with and without stretches must be equal to the bit.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { Device } from "../device/device.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { type Shape, sizeOf, type Value } from "../graph/graph.ts";
import { reduceSum, reshape } from "../graph/tensor-ops.ts";
import { normals } from "../random/draw.ts";
import { differentiate } from "./backward.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

const side = 6;
const shape: Shape = [side, side];
const random = (purpose: string, item: number, dims: Shape): Float32Array =>
  Float32Array.from(normals({ seed: 11, purpose, step: 0, item }, sizeOf(dims)));
const held = (g: GraphBuilder, item: number, dims: Shape, scale: number): Value =>
  g.constant([...random("held", item, dims)].map((value) => scale * value), dims);

/** Operators from two [6, 6] values (most use one) to one, none of which lets values grow. */
const operators: readonly ((g: GraphBuilder, a: Value, b: Value, i: number) => Value)[] = [
  (g, a, b) => g.apply("Mul", [g.apply("Add", [a, b]), g.constant([0.7])]),
  (g, a, b) => g.apply("Mul", [g.apply("Sub", [a, b]), g.constant([0.7])]),
  (g, a, b) => g.apply("Mul", [a, g.apply("Softmax", [b], { axis: -1 })]),
  (g, a) => g.apply("Gelu", [a]),
  (g, a) => g.apply("QuickGelu", [a], { alpha: { float: 1.702 } }, { domain: "com.microsoft" }),
  (g, a, _, i) =>
    g.apply("Gemm", [a, held(g, i, shape, 0.4), held(g, i + 1, [side], 0.4)], { transB: 1 }),
  (g, a, b) => g.apply("MatMul", [g.apply("Softmax", [a], { axis: -1 }), b]),
  (g, a) => g.apply("Transpose", [a], { perm: [1, 0] }),
  (g, a, _, i) =>
    g.apply("LayerNormalization", [a, held(g, i, [side], 1), held(g, i + 1, [side], 1)], {
      axis: -1,
      epsilon: { float: 1e-2 },
    }),
  (g, a, b) => {
    const both = g.apply("Concat", [reshape(g, a, [3, 12]), reshape(g, b, [3, 12])], { axis: 1 });
    return g.apply("Mul", [
      reshape(g, reduceSum(g, reshape(g, both, [6, 2, 6]), [1]), shape),
      g.constant([0.5]),
    ]);
  },
];

interface Step {
  readonly op: number;
  readonly a: number;
  readonly b: number;
  /** Steps of one number stand in one stretch, if `again`. */
  readonly stretch: number;
}

const steps = fc.array(
  fc.record({ op: fc.nat(operators.length - 1), a: fc.nat(20), b: fc.nat(20), stretch: fc.nat(3) }),
  { minLength: 2, maxLength: 10 },
);

/** x0, x1 to loss, d0, d1. */
function build(plan: readonly Step[], again: boolean) {
  const g = new GraphBuilder();
  const inputs = [g.input("x0", shape), g.input("x1", shape)];
  const values: Value[] = [...inputs];
  const apply = ({ op, a, b }: Step, i: number) => {
    // The latest values are the likeliest, so that graphs are deep; the others make them branch.
    const pick = (at: number) => values[Math.max(0, values.length - 1 - at % values.length)];
    values.push(operators[op](g, pick(a), pick(b), 10 * i));
  };
  for (let start = 0; start < plan.length;) {
    let end = start + 1;
    while (end < plan.length && plan[end].stretch === plan[start].stretch) end++;
    const stretch = () => plan.slice(start, end).forEach((step, i) => apply(step, start + i));
    if (again && plan[start].stretch > 0) g.checkpointed(stretch);
    else stretch();
    start = end;
  }
  // All values reach the loss, the last one most.
  const sum = values.reduce((total, value, i) =>
    g.apply("Add", [total, g.apply("Mul", [value, held(g, 500 + i, shape, 1)])])
  );
  const loss = reshape(g, reduceSum(g, g.apply("Mul", [sum, sum]), [0, 1]), [1]);
  const [d0, d1] = differentiate(g, loss, inputs);
  return g.finish({ loss, d0, d1 });
}

test("gradients of random graphs, kept and computed again", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const [kept, again] = [
        await device.load(build(plan, false)),
        await device.load(build(plan, true)),
      ];
      const at = [random("x", 0, shape), random("x", 1, shape)];
      const direction = [random("direction", 0, shape), random("direction", 1, shape)];
      const feeds = (move: number) =>
        Object.fromEntries(at.map((values, i) => [`x${i}`, {
          type: "float32" as const,
          dims: shape,
          data: values.map((value, k) => value + move * direction[i][k]),
        }]));
      const here = await kept.run(feeds(0));
      const same = await again.run(feeds(0));
      for (const name of ["loss", "d0", "d1"]) assert.deepEqual(same[name], here[name], name);

      const step = 1 / 256;
      const loss = async (move: number) => (await kept.run(feeds(move))).loss.data[0];
      const difference = (await loss(step) - await loss(-step)) / (2 * step);
      let [slope, size] = [0, Math.abs(here.loss.data[0])];
      for (const [i, name] of ["d0", "d1"].entries()) {
        here[name].data.forEach((value, k) => {
          slope += value * direction[i][k];
          size += Math.abs(value * direction[i][k]);
        });
      }
      assert.ok(Math.abs(slope - difference) < 2e-3 * size, `${slope} for ${difference}`);
      await Promise.all([kept.release(), again.release()]);
    }),
    { numRuns: 60 },
  );
});

test("what does not depend on an input has no backward nodes, and its gradient is zero", async () => {
  const g = new GraphBuilder();
  const [x, y] = [g.input("x", [2]), g.input("y", [2])];
  const frozen = g.scope("frozen", () => g.apply("Gelu", [g.apply("Mul", [y, y])]));
  const loss = reshape(g, reduceSum(g, g.apply("Mul", [x, frozen]), [0]), [1]);
  const [gradient] = differentiate(g, loss, [x]);
  const graph = g.finish({ loss, gradient });
  assert.ok(!graph.nodes.some(({ name }) => /^backward\/.*frozen/.test(name)));
  const session = await device.load(graph);
  const data = Float32Array.of(1, 2);
  const feed = { type: "float32" as const, dims: [2], data };
  const out = await session.run({ x: feed, y: feed });
  const gelu = (v: number) => v * [0.841344746, 0.99996832875][Math.round(Math.sqrt(v)) - 1];
  [gelu(1), gelu(4)].forEach((wanted, i) =>
    assert.ok(Math.abs(out.gradient.data[i] - wanted) < 1e-5, `${out.gradient.data[i]}`)
  );
});

test("an operator without a rule is named", () => {
  const g = new GraphBuilder();
  const x = g.input("x", [2]);
  const loss = reshape(g, reduceSum(g, g.scope("net", () => g.apply("Erf", [x])), [0]), [1]);
  assert.throws(() => differentiate(g, loss, [x]), {
    _tag: "GraphError",
    tensor: "net/Erf",
    wanted: "a gradient rule for Erf",
  });
});
