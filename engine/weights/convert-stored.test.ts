import assert from "node:assert/strict";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { modelA, singleA } from "./model.fixture.ts";
import { openModel } from "./model.ts";
import {
  readSafetensors,
  readTensor,
  type TensorToWrite,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "convert-")));
after(() => rm(folder, { recursive: true }));

/** Case a's single file with the UNet's matrices as fp8 bytes, the same in every tensor. */
async function narrow(
  name: string,
  dtype: "F8_E4M3" | "F8_E5M2",
  extra: (stored: string, rows: number) => readonly (readonly [string, TensorToWrite])[],
): Promise<string> {
  const file = join(folder, name);
  const tensors = new Map<string, TensorToWrite>();
  for (const [stored, tensor] of await readSafetensors(singleA)) {
    const isMatrix = stored.startsWith("model.diffusion_model.") && tensor.shape.length === 2;
    const size = tensor.data.length;
    const data = Uint8Array.from({ length: size }, (_, i) => [0x38, 0xb9, 0x01, 0x00, 0x78][i % 5]);
    tensors.set(stored, isMatrix ? { dtype, shape: tensor.shape, data } : tensor);
    if (isMatrix) {
      for (const [added, value] of extra(stored, tensor.shape[0])) tensors.set(added, value);
    }
  }
  await writeSafetensors(file, tensors);
  return file;
}

/** The five bytes as E4M3 and E5M2 define them. */
const e4m3 = [1, -1.125, 2 ** -9, 0, 256];
const e5m2 = [0.5, -0.625, 2 ** -16, 0, 32768];
const canonical = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight";

const open = (file: string, cacheFolder = join(folder, "cache")) =>
  openModel(file, { modelConfig: modelA, cacheFolder });

test("plain fp8 becomes float16 in one side file, exactly, made once", async () => {
  for (const [dtype, values] of [["F8_E4M3", e4m3], ["F8_E5M2", e5m2]] as const) {
    const cache = join(folder, dtype);
    const file = await narrow(`${dtype}.safetensors`, dtype, () => []);
    const model = await open(file, cache);
    const view = model.weights.unet.get(canonical)!;
    assert.equal(view.dtype, "F16");
    assert.deepEqual([...(await readTensor(view)).slice(0, 5)], values);
    const untouched = model.weights.unet.get("conv_in.weight")!;
    assert.deepEqual([untouched.dtype, untouched.file], ["F32", file]);
    const [made, ...others] = await readdir(cache);
    assert.deepEqual(others, []);
    assert.ok(model.notes.some((note) => note.includes(made)));

    const { mtimeMs } = await stat(join(cache, made));
    await open(file, cache);
    assert.equal((await stat(join(cache, made))).mtimeMs, mtimeMs);
    await writeFile(join(cache, made), "broken");
    const again = await open(file, cache);
    assert.deepEqual(await readTensor(again.weights.unet.get(canonical)!), await readTensor(view));
    await utimes(file, 1, 1);
    await open(file, cache);
    assert.equal((await readdir(cache)).length, 2);
  }
});

test("scaled fp8: one scale, under both names; a large one makes float32", async () => {
  const scalar = (value: number) =>
    ({ dtype: "F32", shape: [], data: Float32Array.of(value) }) as const;
  for (
    const [suffix, scale, dtype] of [["scale_weight", 0.75, "F16"], [
      "weight_scale",
      3000,
      "F32",
    ]] as const
  ) {
    const file = await narrow("scaled.safetensors", "F8_E4M3", (stored) => [
      [stored.replace(/weight$/, suffix), scalar(scale)],
      [stored.replace(/weight$/, "scale_input"), scalar(5)],
      ["scaled_fp8", { dtype: "F8_E4M3", shape: [0], data: new Uint8Array(0) }],
    ]);
    const view = (await open(file)).weights.unet.get(canonical)!;
    assert.equal(view.dtype, dtype);
    assert.deepEqual([...(await readTensor(view)).slice(0, 5)], e4m3.map((value) => value * scale));
  }
});

test("scaled fp8 with a scale per row", async () => {
  const file = await narrow("rows.safetensors", "F8_E4M3", (stored, rows) => [[
    stored.replace(/weight$/, "weight_scale"),
    {
      dtype: "F32",
      shape: [rows, 1],
      data: Float32Array.from({ length: rows }, (_, i) => 2 * i + 1),
    },
  ]]);
  const view = (await open(file)).weights.unet.get(canonical)!;
  const values = await readTensor(view);
  const columns = view.shape[1];
  for (let i = 0; i < values.length; i++) {
    assert.equal(values[i], e4m3[i % 5] * (2 * Math.floor(i / columns) + 1));
  }
});

test("fp8 with some scales missing, or of another size, is refused", async () => {
  const marker = { dtype: "F8_E4M3", shape: [0], data: new Uint8Array(0) } as const;
  const bare = await narrow("bare.safetensors", "F8_E4M3", () => [["scaled_fp8", marker]]);
  await assert.rejects(open(bare), { _tag: "ModelFault", found: /F8_E4M3 without a scale/ });
  const odd = await narrow("odd.safetensors", "F8_E4M3", (stored) => [[
    stored.replace(/weight$/, "weight_scale"),
    { dtype: "F32", shape: [3], data: new Float32Array(3) },
  ]]);
  await assert.rejects(open(odd), { _tag: "ModelFault", found: /a scale of shape \[3\]/ });
});

test("fp8 with scales of a kind that is not known is refused, not read without them", async () => {
  for (const kind of ["weight_scale_inv", "scale_weight_2", "weight._scale"]) {
    const file = await narrow("unknown.safetensors", "F8_E4M3", (stored) => [[
      stored.replace(/weight$/, kind),
      { dtype: "F32", shape: [], data: Float32Array.of(2) },
    ]]);
    await assert.rejects(open(file), {
      _tag: "ModelFault",
      found: /F8_E4M3 without a scale that is known/,
    });
  }
});

test("ComfyUI's notes on layers: fp8 is read with its scales, other formats are refused", async () => {
  const noted = (note: object) =>
    narrow("noted.safetensors", "F8_E4M3", (stored) => {
      const data = new TextEncoder().encode(JSON.stringify(note));
      return [
        [stored.replace(/weight$/, "weight_scale"), {
          dtype: "F32",
          shape: [],
          data: Float32Array.of(0.5),
        }],
        [stored.replace(/weight$/, "comfy_quant"), { dtype: "U8", shape: [data.length], data }],
      ];
    });
  const read = await open(
    await noted({ format: "float8_e4m3fn", full_precision_matrix_mult: true }),
  );
  const view = read.weights.unet.get(canonical)!;
  assert.deepEqual([...(await readTensor(view)).slice(0, 5)], e4m3.map((value) => value / 2));
  for (const note of [{ format: "mxfp8" }, { format: "float8_e4m3fn", convrot: true }]) {
    const file = await noted(note);
    await assert.rejects(open(file), {
      _tag: "ModelFault",
      file,
      tensor: /^model\.diffusion_model\./,
      found: /format that is not read here: \{"format":/,
      fix: /float16/,
    });
  }
});

test("the same notes in a file's metadata", async () => {
  const file = join(folder, "list.safetensors");
  const tensors = new Map<string, TensorToWrite>(await readSafetensors(singleA));
  const noted = async (list: unknown) => {
    await writeSafetensors(file, tensors, { _quantization_metadata: JSON.stringify(list) });
    return open(file);
  };
  await noted({ layers: { "model.diffusion_model.out.2": { format: "float8_e4m3fn" } } });
  for (const list of [{ layers: { a: { format: "int8_tensorwise" } } }, "no list"]) {
    await assert.rejects(noted(list), { _tag: "ModelFault", found: /not read here/ });
  }
});

test("float64 weights become float32", async () => {
  const file = join(folder, "f64.safetensors");
  const tensors = new Map<string, TensorToWrite>(await readSafetensors(singleA));
  const name = "model.diffusion_model.out.2.bias";
  tensors.set(name, { dtype: "F64", shape: [4], data: Float64Array.of(1, 0.1, -2, 1e-60) });
  await writeSafetensors(file, tensors);
  const view = (await open(file)).weights.unet.get("conv_out.bias")!;
  assert.equal(view.dtype, "F32");
  assert.deepEqual([...await readTensor(view)], [1, Math.fround(0.1), -2, 0]);
});

test("a cache folder that cannot be written is the world's fault", async () => {
  const file = await narrow("unwritable.safetensors", "F8_E5M2", () => []);
  const blocked = join(folder, "blocked");
  await writeFile(blocked, "a file");
  await assert.rejects(open(file, join(blocked, "cache")), {
    _tag: "DiskFault",
    wanted: /converted from fp8/,
    fix: /XDG_CACHE_HOME/,
  });
  if (process.getuid?.() === 0) return;
  const readOnly = await mkdtemp(join(folder, "read-only-"));
  await chmod(readOnly, 0o500);
  await assert.rejects(open(file, readOnly), { _tag: "DiskFault", kind: "world" });
});

test("without converting nothing is written, and types, sizes and sources are known", async () => {
  const file = await narrow("planned.safetensors", "F8_E4M3", () => []);
  const cacheFolder = join(folder, "planned");
  const planned = await openModel(file, { modelConfig: modelA, cacheFolder, convert: false });
  await assert.rejects(stat(cacheFolder), { code: "ENOENT" });
  const made = await open(file, cacheFolder);
  const sizes = (model: typeof made) =>
    [...model.weights.unet.values()].map(({ name, dtype, bytes }) => [name, dtype, bytes]);
  assert.deepEqual(sizes(planned), sizes(made));
  assert.deepEqual(planned.files, made.files);
  assert.deepEqual(made.files.unet, [file]);
});

test("how far it is, up to the bytes of the side file's tensors, and nothing once it is made", async () => {
  const file = await narrow("told.safetensors", "F8_E4M3", () => []);
  const cacheFolder = join(folder, "made-of-told");
  const told: (readonly [done: number, total: number])[] = [];
  const onConvert = (done: number, total: number) => void told.push([done, total]);
  const open = () => openModel(file, { modelConfig: modelA, cacheFolder, onConvert });
  const { weights } = await open();
  const made = [...weights.unet.values()].filter((view) => view.file.startsWith(cacheFolder));
  const total = made.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.equal(told.length, made.length);
  assert.deepEqual(told.at(-1), [total, total]);
  assert.ok(told.every(([done], i) => i === 0 || done > told[i - 1][0]));
  await open();
  assert.equal(told.length, made.length);
});

test("what a killed conversion left is removed, a running one's file is not", async () => {
  const file = await narrow("again.safetensors", "F8_E4M3", () => []);
  const cache = join(folder, "abandoned");
  await mkdir(cache);
  const [old, fresh] = ["old", "fresh"].map((name) => join(cache, `.${name}.safetensors.tmp`));
  await Promise.all([old, fresh].map((path) => writeFile(path, "half")));
  await utimes(old, 1, 1);
  await open(file, cache);
  const names = await readdir(cache);
  assert.equal(names.length, 2);
  assert.ok(names.includes(".fresh.safetensors.tmp"));
});

test("models that need no conversion leave no side file", async () => {
  const cache = join(folder, "unused");
  await openModel(modelA, { cacheFolder: cache });
  await assert.rejects(readFile(cache), { code: "ENOENT" });
});
