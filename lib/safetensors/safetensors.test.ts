import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { decodeArray, toBFloat16Bits, toFloat16Bits } from "./convert.ts";
import { duplicateKey } from "../duplicate-key.ts";
import { readHeader, readSafetensors, readTensor, writeSafetensors } from "./safetensors.ts";

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "safetensors-")));
after(() => rm(folder, { recursive: true }));

/** A file by hand: the header as given, not as the writer would make it. */
async function file(name: string, header: string | Uint8Array, data: Uint8Array | number) {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const lead = new Uint8Array(8);
  new DataView(lead.buffer).setBigUint64(0, BigInt(json.length), true);
  const path = join(folder, name);
  const bytes = typeof data === "number" ? new Uint8Array(data) : data;
  await writeFile(path, Buffer.concat([lead, json, bytes]));
  return path;
}
const entry = (dtype: string, shape: unknown, from: unknown, to: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: [from, to] });

test("reads every dtype", async () => {
  const bytes = Uint8Array.from([
    ...new Uint8Array(Float64Array.of(-1.5).buffer),
    ...new Uint8Array(BigInt64Array.of(-3n).buffer),
    ...new Uint8Array(Float32Array.of(0.1).buffer),
    ...[0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00],
    ...[0x80, 0x3f],
    ...[0x7e, 0x38, 0x01],
    ...[0x7b, 0xbc, 0x01],
    ...[0xff, 0x01],
  ]);
  const path = await file(
    "dtypes.safetensors",
    `{"__metadata__":{"format":"pt"},"f64":${entry("F64", [1], 0, 8)},"i64":${
      entry("I64", [], 8, 16)
    },"f32":${entry("F32", [], 16, 20)},"f16":${entry("F16", [3], 20, 26)},"bf16":${
      entry("BF16", [1, 1], 26, 28)
    },"e4":${entry("F8_E4M3", [3], 28, 31)},"e5":${entry("F8_E5M2", [3], 31, 34)},"i8":${
      entry("I8", [1], 34, 35)
    },"bool":${entry("BOOL", [1], 35, 36)},"marker":${entry("F32", [0], 36, 36)}}`,
    bytes,
  );
  const tensors = await readSafetensors(path);
  const values = (name: string) => [...tensors.get(name)!.data];
  assert.deepEqual(values("f64"), [-1.5]);
  assert.deepEqual(values("i64"), [-3n]);
  assert.deepEqual(values("f32"), [Math.fround(0.1)]);
  assert.deepEqual(values("f16"), [1, -2, 5.960464477539063e-8]);
  assert.deepEqual(values("bf16"), [1]);
  assert.deepEqual(values("e4"), [448, 1, 0.001953125]);
  assert.deepEqual(values("e5"), [57344, -1, 0.0000152587890625]);
  assert.deepEqual(values("i8"), [-1]);
  assert.deepEqual(values("bool"), [1]);
  assert.deepEqual(tensors.get("marker")!.shape, [0]);
  const { metadata, tensors: views } = await readHeader(path);
  assert.deepEqual(metadata, { format: "pt" });
  assert.deepEqual(await readTensor(views.get("i64")!), Float32Array.of(-3));
});

test("a transposed view is read in its shape's order", async () => {
  const path = join(folder, "turned.safetensors");
  const data = Float32Array.of(1, 2, 3, 4, 5, 6);
  await writeSafetensors(path, new Map([["w", { dtype: "F32", shape: [3, 2], data }]]));
  const view = (await readHeader(path)).tensors.get("w")!;
  const turned = await readTensor({ ...view, shape: [2, 3], transposed: true });
  assert.deepEqual([...turned], [1, 3, 5, 2, 4, 6]);
});

test("float16 and bfloat16 round to nearest, ties to even", () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const values = decodeArray(halves.slice().buffer, "F16") as Float32Array;
  const back = toFloat16Bits(values);
  const wide = decodeArray(halves.slice().buffer, "BF16") as Float32Array;
  const wideBack = toBFloat16Bits(wide);
  for (let bits = 0; bits < 65536; bits++) {
    if (!Number.isNaN(values[bits])) assert.equal(back[bits], bits);
    if (!Number.isNaN(wide[bits])) assert.equal(wideBack[bits], bits);
  }
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0x7bfe }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (bits, share) => {
        const [low, high] = [values[bits], values[bits + 1]];
        const between = Math.fround(low + (high - low) * share);
        const nearer = between - low < high - between ||
          (between - low === high - between && bits % 2 === 0);
        assert.equal(toFloat16Bits(Float32Array.of(between))[0], nearer ? bits : bits + 1);
      },
    ),
  );
  const special = Float32Array.of(65519.996, 65520, -Infinity, NaN, 2 ** -25, 2 ** -25 * 1.0001);
  assert.deepEqual([...toFloat16Bits(special)], [0x7bff, 0x7c00, 0xfc00, 0x7e00, 0, 1]);
  assert.deepEqual([...toBFloat16Bits(Float32Array.of(1.00390625, 1.01171875, NaN))], [
    0x3f80,
    0x3f82,
    0x7fc0,
  ]);
});

test("writes what it reads, in one way, aligned", async () => {
  const tensors = new Map(
    [
      ["b", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
      ["a", { dtype: "F16", shape: [2], data: Float32Array.of(1, 1 / 3) }],
      ["c", { dtype: "F32", shape: [], data: Float32Array.of(7) }],
      ["d", {
        dtype: "I64",
        shape: [1],
        data: () => [new Uint8Array(BigInt64Array.of(5n).buffer)],
      }],
      ["__proto__", { dtype: "F32", shape: [1], data: Float32Array.of(9) }],
    ] as const,
  );
  const [first, second] = [join(folder, "first.safetensors"), join(folder, "second.safetensors")];
  await writeSafetensors(first, tensors, { z: "1", a: "é" });
  await writeSafetensors(second, new Map([...tensors].reverse()), { a: "é", z: "1" });
  assert.deepEqual(await readFile(first), await readFile(second));
  const { tensors: views, metadata } = await readHeader(first);
  assert.deepEqual(metadata, { a: "é", z: "1" });
  for (const { offset, dtype } of views.values()) {
    assert.equal(offset % { U8: 1, F16: 2, F32: 4, I64: 8 }[dtype as "U8"], 0);
  }
  const read = await readSafetensors(first);
  assert.deepEqual([...read.get("a")!.data], [1, 0.333251953125]);
  assert.deepEqual([...read.get("d")!.data], [5n]);
  assert.deepEqual([...read.get("__proto__")!.data], [9]);
});

test("a failed write leaves the old file and no other", async () => {
  const path = join(folder, "own", "kept.safetensors");
  const good = new Map([["a", { dtype: "F32", shape: [1], data: Float32Array.of(1) }]] as const);
  await writeSafetensors(path, good);
  const bytes = await readFile(path);
  const short = new Map([["a", { dtype: "F32", shape: [2], data: Float32Array.of(1) }]] as const);
  await assert.rejects(writeSafetensors(path, short), { _tag: "TensorDataFault", tensor: "a" });
  const cut = new Map(
    [["a", {
      dtype: "F32",
      shape: [1],
      data: () => {
        throw new Error("gone");
      },
    }]] as const,
  );
  await assert.rejects(writeSafetensors(path, cut), { _tag: "DiskFault", file: path });
  const full = new Map(
    [["a", {
      dtype: "F32",
      shape: [1],
      data: () => {
        throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      },
    }]] as const,
  );
  await assert.rejects(writeSafetensors(path, full), { kind: "world", fix: /some space/ });
  assert.deepEqual(await readFile(path), bytes);
  assert.deepEqual(await readdir(join(folder, "own")), ["kept.safetensors"]);
});

test("symbolic links are followed to the real file", async () => {
  const real = await file("blob", `{"a":${entry("U8", [1], 0, 1)}}`, 1);
  const link = join(folder, "link.safetensors");
  await symlink("blob", link);
  assert.ok((await readHeader(link)).tensors.get("a")!.file.endsWith("/blob"));
  assert.deepEqual([...(await readHeader(link)).tensors], [...(await readHeader(real)).tensors]);
});

test("megabytes of metadata are read", async () => {
  const workflow = JSON.stringify({ nodes: Array(60000).fill({ type: 'say "\\hi\\"', on: true }) });
  const path = await file(
    "workflow.safetensors",
    JSON.stringify({
      __metadata__: { workflow },
      a: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
    }),
    1,
  );
  assert.equal((await readHeader(path)).metadata["workflow"], workflow);
});

const lies:
  readonly (readonly [what: string, header: string | Uint8Array, data: number, tensor?: string])[] =
    [
      ["not JSON", '{"a":', 0],
      ["not an object", "[1]", 0],
      ["not UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 0],
      [
        "a key twice",
        `{"a":${entry("U8", [1], 0, 1)},"\\u0061":${entry("U8", [1], 0, 1)}}`,
        1,
        "a",
      ],
      [
        "a dtype twice",
        `{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`,
        1,
        "dtype",
      ],
      ["metadata with numbers", `{"__metadata__":{"a":1}}`, 0],
      ["an entry that is null", `{"a":null}`, 0, "a"],
      ["an unknown dtype", `{"a":${entry("F4", [2], 0, 1)}}`, 1, "a"],
      ["a dtype of Object.prototype", `{"a":${entry("toString", [1], 0, 1)}}`, 1, "a"],
      ["a negative shape", `{"a":${entry("U8", [-1], 0, 1)}}`, 1, "a"],
      ["a fractional shape", `{"a":${entry("U8", [0.5], 0, 1)}}`, 1, "a"],
      ["a shape past counting", `{"a":${entry("U8", [2 ** 52, 2 ** 52], 0, 1)}}`, 1, "a"],
      ["a shape that is text", `{"a":${entry("U8", "1", 0, 1)}}`, 1, "a"],
      ["offsets reversed", `{"a":${entry("U8", [1], 1, 0)}}`, 1, "a"],
      ["offsets missing", `{"a":{"dtype":"U8","shape":[1]}}`, 1, "a"],
      ["shape and range that differ", `{"a":${entry("F32", [2], 0, 4)}}`, 4, "a"],
      ["an overlap", `{"a":${entry("U8", [2], 0, 2)},"b":${entry("U8", [2], 1, 3)}}`, 3, "b"],
      ["a gap", `{"a":${entry("U8", [1], 0, 1)},"b":${entry("U8", [1], 2, 3)}}`, 3, "b"],
      ["data cut short", `{"a":${entry("U8", [4], 0, 4)}}`, 3, "a"],
      ["data left over", `{"a":${entry("U8", [1], 0, 1)}}`, 2],
    ];
for (const [what, header, data, tensor] of lies) {
  test(`refused: ${what}`, async () => {
    const path = await file("lie.safetensors", header, data);
    const place = tensor === undefined ? { file: path } : { file: path, tensor };
    await assert.rejects(readHeader(path), { _tag: "WeightsFileFault", kind: "user", ...place });
  });
}

test("refused: files that are no safetensors", async () => {
  const refused = async (name: string, bytes: Uint8Array | string, found: RegExp) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    await assert.rejects(readHeader(path), { _tag: "WeightsFileFault", file: path, found });
  };
  await refused("empty", "", /0 bytes/);
  await refused("short", "12345", /5 bytes/);
  await refused("zip.ckpt", "PK\x03\x04............", /pickle/);
  await refused("old.bin", Uint8Array.of(0x80, 2, 0x7d, 0, 0, 0, 0, 0, 0, 0), /pickle/);
  await refused("tar.pt", "a tar archive of 2016 or so", /pickle/);
  await refused("lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:0", /Git LFS/);
  const message = '{"error":"Unauthorized","message":"You must be logged in"}';
  for (const page of ["<!DOCTYPE html><html></html>", "\n<html lang=en></html>", message]) {
    await refused("model.safetensors", page, /text, such as a web page/);
  }
  await refused("x.gguf", "GGUF\x03\0\0\0\0\0\0\0\0\0\0\0", /GGUF/);
  await refused(
    "random",
    new Uint8Array(64).fill(0xee),
    /another kind of file/,
  );
  await refused("long", Uint8Array.of(0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x7b), /cut short/);
  await assert.rejects(readHeader(join(folder, "absent")), { found: "no such file" });
  const link = join(folder, "dead-link");
  await symlink("../../blobs/0f3a", link);
  await assert.rejects(readHeader(link), { file: link, found: /link that leads to no file/ });
  await assert.rejects(readHeader(folder), { _tag: "WeightsFileFault" });
});

test("a header whose length looks like a pickle is no pickle", async () => {
  const header = `{"a":${entry("U8", [1], 0, 1)}}`.padEnd(0x0280, " ");
  const path = await file("0280.safetensors", header, 1);
  assert.equal((await readHeader(path)).tensors.size, 1);
});

test("any cut of a file is refused, never misread", async () => {
  const path = join(folder, "whole.safetensors");
  const data = Float32Array.of(1, 2, 3, 4);
  const tensors = new Map([["w", { dtype: "F32", shape: [4], data }]] as const);
  await writeSafetensors(path, tensors);
  const { length } = await readFile(path);
  for (let size = length - 1; size >= 0; size--) {
    await truncate(path, size);
    await assert.rejects(readHeader(path), { _tag: "WeightsFileFault", kind: "user" });
  }
});

test("a repeated key is found in any object of any JSON", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    assert.equal(duplicateKey(text), undefined);
  }));
  assert.equal(duplicateKey('{"a":[{"b":"\\\\"},{"b":"}"}],"c":{"d" : 1,"d":2}}'), "d");
  assert.equal(duplicateKey('{"a":"a","b":"a:"}'), undefined);
});
