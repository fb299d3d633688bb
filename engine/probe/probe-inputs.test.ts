// The checks of a probe's inputs: what may be left out, and every kind of misfit, named and before any
// device is touched.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { isFault } from "../../lib/fault.ts";
import { type Model, openModel } from "../weights/model.ts";
import { readSafetensors, type StoredTensor } from "../../lib/safetensors/safetensors.ts";
import { decodeProbeInputs } from "./probe-inputs.ts";

const golden = fileURLToPath(new URL("../../tests/golden/", import.meta.url));
let model: Model;
let inputs: ReadonlyMap<string, StoredTensor>;
before(async () => {
  model = await openModel(`${golden}c/model`);
  inputs = await readSafetensors(`${golden}c/inputs.safetensors`);
});

const decode = (stored: ReadonlyMap<string, StoredTensor>) =>
  decodeProbeInputs(stored, model, "in.safetensors");
const only = (...names: string[]) => new Map([...inputs].filter(([name]) => names.includes(name)));
const floats = (...shape: number[]): StoredTensor => ({
  dtype: "F32",
  shape,
  data: new Float32Array(shape.reduce((product, side) => product * side, 1)),
});
const integers = (shape: number[], value: number): StoredTensor => ({
  dtype: "I64",
  shape,
  data: new BigInt64Array(shape.reduce((product, side) => product * side, 1)).fill(BigInt(value)),
});

const refused = (what: string, change: () => [string, StoredTensor], expected: object) =>
  test(`refused: ${what}`, () => {
    assert.throws(() => decode(new Map([...inputs, change()])), {
      _tag: "ProbeFault",
      kind: "user",
      file: "in.safetensors",
      ...expected,
    });
  });

test("everything, and each part that can stand alone", () => {
  const all = decode(inputs);
  assert.deepEqual(all.denoising?.timesteps, [137, 801]);
  assert.equal(all.captions?.ids1[0].length, 77);
  assert.deepEqual(all.image?.dims, [1, 3, 40, 24]);

  assert.equal(decode(only("image")).captions, null);
  assert.equal(decode(only("ids1", "ids2", "rows1", "rows2")).denoising, null);
  const unmasked = decode(new Map([...inputs].filter(([name]) => name !== "mask")));
  assert.equal(unmasked.denoising?.mask, null);
});

test("ids may be int32 or int64, floats of any width, sizes integers", () => {
  const narrow = new Map(inputs);
  for (const name of ["ids1", "ids2", "t"]) {
    const { shape, data } = inputs.get(name)!;
    narrow.set(name, { dtype: "I32", shape, data: Int32Array.from(data as never, Number) });
  }
  const sizes = inputs.get("time_ids")!;
  narrow.set("time_ids", {
    ...sizes,
    dtype: "I64",
    data: BigInt64Array.from(sizes.data as Float32Array, BigInt),
  });
  const rows = inputs.get("rows1")!;
  narrow.set("rows1", { ...rows, dtype: "F64", data: Float64Array.from(rows.data as never) });
  assert.deepEqual(decode(narrow), decode(inputs));
});

test("what is missing is named, all of it", () => {
  assert.throws(() => decode(only("latents", "ids1", "mask")), {
    tensor: "ids2",
    found: /ids2: no such.*rows1.*rows2.*noise.*t: no such.*time_ids/,
  });
  assert.throws(() => decode(new Map([["lattents", floats(1)]])), { found: /only lattents/ });
  assert.throws(() => decode(new Map()), { found: "only nothing" });
});

refused("another batch", () => ["noise", floats(3, 4, 10, 6)], {
  tensor: "noise",
  wanted: "shape [B=2, 4, h=10, w=6]",
  found: "[3, 4, 10, 6]",
});
refused("latents of other channels", () => ["latents", floats(2, 3, 10, 6)], { tensor: "latents" });
refused("latents without an area", () => ["latents", floats(2, 4, 0, 6)], {});
refused("one dimension too few", () => ["mask", floats(2, 10, 6)], {
  tensor: "mask",
  wanted: "shape [B=2, 1, h=10, w=6]",
});
refused("rows of a wrong width", () => ["rows1", floats(2, 31)], {
  tensor: "rows1",
  wanted: "shape [rows=2, 32]",
});
refused("another number of rows for the second encoder", () => ["rows2", floats(3, 32)], {
  tensor: "rows2",
});
refused("captions of another length", () => ["ids1", integers([2, 76], 5)], { tensor: "ids1" });
refused("five sizes", () => ["time_ids", floats(2, 5)], { tensor: "time_ids" });
refused("ids as floats", () => ["ids2", floats(2, 77)], {
  tensor: "ids2",
  wanted: "an integer dtype",
  found: "F32",
});
refused("latents as integers", () => ["latents", integers([2, 4, 10, 6], 0)], { found: "I64" });
refused("an id above vocabulary and rows", () => ["ids1", integers([2, 77], 1005)], {
  tensor: "ids1",
  wanted: "integers from 0 to 1004 (1003 tokens and 2 rows)",
  found: "1005",
});
refused("a negative id", () => ["ids2", integers([2, 77], -1)], { tensor: "ids2", found: "-1" });
refused("a timestep past the schedule", () => ["t", integers([2], 1000)], {
  tensor: "t",
  wanted: /0 to 999/,
});
refused("NaN", () => ["rows2", { ...floats(2, 32), data: new Float32Array(64).fill(NaN, 9) }], {
  tensor: "rows2",
  found: "NaN at value 9",
});
refused("an image that the VAE would cut", () => ["image", floats(1, 3, 40, 22)], {
  tensor: "image",
  wanted: "sides that are multiples of 4",
  found: "40 x 22",
});

test("whatever the tensors are, the answer is inputs or a fault", () => {
  const tensor = fc.record({
    dtype: fc.constantFrom("F32", "F64", "I64", "I32", "U8", "BOOL"),
    shape: fc.array(fc.nat(4), { maxLength: 5 }),
    value: fc.constantFrom(0, 1, 255),
  }).map(({ dtype, shape, value }): StoredTensor => {
    const size = shape.reduce((product, side) => product * side, 1);
    const arrays = {
      F32: Float32Array,
      F64: Float64Array,
      I32: Int32Array,
      U8: Uint8Array,
      BOOL: Uint8Array,
    };
    const data = dtype === "I64"
      ? new BigInt64Array(size).fill(BigInt(value))
      : new arrays[dtype as keyof typeof arrays](size).fill(value);
    return { dtype: dtype as StoredTensor["dtype"], shape, data };
  });
  const changes = fc.dictionary(fc.constantFrom(...inputs.keys(), "other"), tensor);
  fc.assert(
    fc.property(changes, fc.subarray([...inputs.keys()]), (changed, absent) => {
      const stored = new Map([...inputs, ...Object.entries(changed)]);
      for (const name of absent) stored.delete(name);
      try {
        decode(stored);
      } catch (cause) {
        assert.ok(isFault(cause), String(cause));
      }
    }),
    { numRuns: 300 },
  );
});
