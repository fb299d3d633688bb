import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { decodeArray } from "../../lib/safetensors/convert.ts";
import { storedBytes } from "../../lib/safetensors/dtype.ts";
import { checkFinite, firstNonFinite } from "./finite.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "finite-")));
after(() => rm(folder, { recursive: true }));

const dtypes = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"] as const;

/** Bytes that are often all ones, so that exponents are full often enough. */
const bytes = fc.array(
  fc.oneof(fc.nat(255), fc.constantFrom(0xff, 0x7f, 0xf8, 0x7c, 0x80, 0xf0)),
  { minLength: 1, maxLength: 64 },
);

for (const dtype of dtypes) {
  test(`the first value of ${dtype} that is not finite, as the decoded values have it`, async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (raw) => {
        const width = storedBytes[dtype];
        const count = Math.ceil(raw.length / width);
        const stored = Uint8Array.from({ length: count * width }, (_, i) => raw[i] ?? 0);
        const file = join(folder, dtype);
        await writeFile(file, stored);
        const view: WeightView = {
          name: "w",
          dtype,
          shape: [count],
          file,
          offset: 0,
          bytes: stored.length,
        };
        const values = Array.from(decodeArray(stored.buffer, dtype) as Float32Array);
        const expected = values.findIndex((value) => !Number.isFinite(value));
        assert.equal(await firstNonFinite(view), expected < 0 ? undefined : expected);
      }),
      { numRuns: 60 },
    );
  });
}

test("a NaN far into a large tensor is named with its file and tensor", async () => {
  const file = join(folder, "large");
  const values = new Float32Array(100_001).fill(1);
  values[100_000] = NaN;
  await writeFile(file, new Uint8Array(values.buffer));
  const view: WeightView = {
    name: "conv_in.weight",
    dtype: "F32",
    shape: [100_001],
    file,
    offset: 0,
    bytes: 400_004,
  };
  await assert.rejects(checkFinite([new Map([["conv_in.weight", view]])]), {
    _tag: "WeightsNotFinite",
    kind: "user",
    file,
    tensor: "conv_in.weight",
    found: /value 100000/,
  });
  await checkFinite([new Map([["w", { ...view, shape: [100_000], bytes: 400_000 }]])]);
  await checkFinite([new Map([["w", { ...view, dtype: "I8", shape: [400_004] }]])]);
});
