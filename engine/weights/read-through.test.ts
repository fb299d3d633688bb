import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { decodeArray } from "../../lib/safetensors/convert.ts";
import { storedBytes, type StoredDType } from "../../lib/safetensors/dtype.ts";
import { readThrough } from "./read-through.ts";

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "gnomic-through-")));
after(() => rm(folder, { recursive: true }));

interface Tensor {
  readonly dtype: StoredDType;
  readonly stored: Uint8Array;
}

/** A file in the order given, whatever alignment follows from it. */
function safetensors(tensors: readonly Tensor[]): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ dtype, stored }, i) => {
    const shape = [stored.length / storedBytes[dtype]];
    return [`t${i}`, { dtype, shape, data_offsets: [end, end += stored.length] }];
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const head = new Uint8Array(8 + json.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(json.length), true);
  head.set(json, 8);
  return Buffer.concat([head, ...tensors.map(({ stored }) => stored)]);
}

const isFinite = ({ dtype, stored }: Tensor): boolean =>
  Array.from(decodeArray(Uint8Array.from(stored).buffer, dtype) as ArrayLike<number | bigint>)
    .every((value) => typeof value === "bigint" || Number.isFinite(value));

const read = async (tensors: readonly Tensor[]) => {
  const bytes = safetensors(tensors);
  const file = join(folder, "x.safetensors");
  await writeFile(file, bytes);
  const found = await readThrough(file, new AbortController().signal);
  assert.equal(found.digest, createHash("sha256").update(await readFile(file)).digest("hex"));
  return found.finite;
};

const dtype = fc.constantFrom<StoredDType>(
  ...["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "U8"] as const,
);
/** Bytes that are ones now and then, so that exponents are full now and then. */
const raw = fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(60) }, fc.constant(0xff)), {
  maxLength: 40,
});
const tensor = fc.tuple(dtype, raw).map(([dtype, bytes]): Tensor => ({
  dtype,
  stored: Uint8Array.from(bytes.slice(0, bytes.length - bytes.length % storedBytes[dtype])),
}));

test("the digest of the file, and finite as the decoded values are, whatever the tensors", async () => {
  let finites = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(tensor, { maxLength: 5 }), async (tensors) => {
      const finite = await read(tensors);
      assert.equal(finite, tensors.every(isFinite));
      if (finite) finites++;
    }),
    { numRuns: 150 },
  );
  assert.ok(finites > 15 && finites < 135, `${finites} of 150`);
});

test("a single NaN in any part of a file of several chunks", async () => {
  const values = new Float32Array(700_001).fill(1);
  const stored = new Uint8Array(values.buffer);
  const odd: Tensor = { dtype: "F16", stored: new Uint8Array(6) };
  const all: Tensor[] = [odd, { dtype: "F32", stored }, { dtype: "F32", stored }];
  assert.equal(await read(all), true);
  for (const at of [0, 262_143, 262_144, 524_287, 699_999, 700_000]) {
    values[at] = NaN;
    assert.equal(await read(all), false, `${at}`);
    values[at] = 1;
  }
});

test("how far it is, from part to part up to the whole file", async () => {
  const file = join(folder, "told.safetensors");
  const bytes = safetensors([{ dtype: "F32", stored: new Uint8Array(3 << 20).fill(1) }]);
  await writeFile(file, bytes);
  const told: number[] = [];
  await readThrough(file, new AbortController().signal, (done, total) => {
    assert.equal(total, bytes.length);
    assert.ok(done > (told.at(-1) ?? 0));
    told.push(done);
  });
  assert.equal(told.length, 4);
  assert.equal(told.at(-1), bytes.length);
});

test("a file cut short is the user's fault, and who no longer waits is not kept reading", async () => {
  const file = join(folder, "short.safetensors");
  const whole = safetensors([{ dtype: "F32", stored: new Uint8Array(4000) }]);
  await writeFile(file, whole.subarray(0, 2000));
  await assert.rejects(readThrough(file, new AbortController().signal), {
    _tag: "WeightsFileFault",
    kind: "user",
  });
  await writeFile(file, whole);
  await assert.rejects(readThrough(file, AbortSignal.abort(new Error("stop"))), /stop/);
});
