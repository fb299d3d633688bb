import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { normals } from "../random/draw.ts";
import { deviationOfBlocks, pullFactor, standardDeviation } from "./std-pull.ts";

test("the standard deviation is the sample's, as torch.std", () => {
  // numpy.std([1, 2, 4, 8, -3], ddof=1)
  assert.ok(
    Math.abs(standardDeviation(Float64Array.of(1, 2, 4, 8, -3)) - 4.03732584763727) < 1e-15,
  );
});

test("the pull moves the spread a tenth of the way, in logarithms", () => {
  const spread = fc.double({ min: 1e-3, max: 10, noNaN: true });
  const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3 });
  fc.assert(fc.property(values, spread, (list, vocabularyStd) => {
    const rows = Float64Array.from(list);
    const before = standardDeviation(rows);
    fc.pre(before > 1e-6);
    const after = before * pullFactor(rows, vocabularyStd);
    const wanted = Math.pow(before, 0.9) * Math.pow(vocabularyStd, 0.1);
    assert.ok(Math.abs(after - wanted) <= 1e-12 * wanted);
  }));
});

test("rows without spread, or a single value, stay", () => {
  assert.equal(pullFactor(Float64Array.of(2, 2, 2), 1), 1);
  assert.equal(pullFactor(Float64Array.of(2), 1), 1);
});

test("values in blocks have the same deviation, to the last bit", async () => {
  const values = Float32Array.from(
    normals({ seed: 1, purpose: "blocks", step: 0, item: 0 }, 1000),
  );
  const blocks = async function* () {
    for (let at = 0; at < values.length; at += 300) yield { values: values.subarray(at, at + 300) };
  };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  const wanted = Math.sqrt(squares / (values.length - 1));
  assert.deepEqual([await deviationOfBlocks(blocks), standardDeviation(values)], [wanted, wanted]);
});
