// How long a graph takes, against devices whose speed is made up, and sums by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphBuilder } from "../graph/builder.ts";
import { rateOf, secondsOf, workCost } from "./step-time.ts";

test("products are counted in operations, everything else in bytes", () => {
  const g = new GraphBuilder();
  const [a, b] = [g.input("a", [3, 5]), g.input("b", [5, 4])];
  g.apply("Mul", [g.apply("MatMul", [a, b]), g.input("c", [3, 4])]);
  const cost = workCost(g.nodes);
  assert.deepEqual(cost, { flops: 2 * 3 * 4 * 5, moved: 3 * 12 * 4, nodes: 2 });
  assert.equal(secondsOf(cost, { flops: 120, perByte: 1 / 72, launch: 0.25 }), 1 + 2 + 0.5);
});

const works = {
  product: { flops: 17e9, moved: 1e6, nodes: 5 },
  small: { flops: 2e9, moved: 4e8, nodes: 2000 },
  large: { flops: 2e10, moved: 8e9, nodes: 2100 },
};

/** What a device of this rate would be measured to have. */
const found = (rate: Parameters<typeof secondsOf>[1]) => {
  const timed = (work: typeof works.small) => ({ ...work, seconds: secondsOf(work, rate) });
  // A product's few nodes and bytes are nothing beside its arithmetic.
  const product = { ...works.product, seconds: works.product.flops / rate.flops };
  return rateOf(product, timed(works.small), timed(works.large));
};

for (
  const [name, rate] of Object.entries({
    "a processor": { flops: 1.5e11, perByte: 5e-11, launch: 2e-6 },
    "a card": { flops: 8e13, perByte: 1.4e-12, launch: 6e-6 },
    "a card in software": { flops: 1e9, perByte: 1e-8, launch: 1e-4 },
  })
) {
  test(`${name}: its rate is found from three measurements`, () => {
    const { flops, perByte, launch } = found(rate);
    assert.ok(Math.abs(flops / rate.flops - 1) < 1e-9);
    assert.ok(Math.abs(perByte / rate.perByte - 1) < 1e-6);
    assert.ok(Math.abs(launch / rate.launch - 1) < 1e-6);
  });
}

test("measurements that contradict one another give a rate all the same", () => {
  const { small, large, product } = works;
  for (const seconds of [[1, 1e-3, 2], [1e-3, 2, 0.5], [1, 0.5, 0.5]]) {
    const rate = rateOf(
      { ...product, seconds: seconds[0] },
      { ...small, seconds: seconds[1] },
      { ...large, seconds: seconds[2] },
    );
    assert.ok(rate.flops > 0 && rate.perByte >= 0 && rate.launch >= 0, JSON.stringify(rate));
    assert.ok(secondsOf(large, rate) > 0 && secondsOf(large, rate) <= 1.01 * seconds[2]);
  }
});
