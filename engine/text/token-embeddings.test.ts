// The look-up outside the graph: frozen rows as the file holds them, the placeholder's after them, and the
// gradient's way back as its exact adjoint.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { normals } from "../random/draw.ts";
import { openModel } from "../weights/model.ts";
import {
  readHeader,
  readSafetensors,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";
import { TokenEmbeddings } from "./token-embeddings.ts";

const folder = fileURLToPath(new URL("../../tests/golden/b/model", import.meta.url));
let tokens: TokenEmbeddings;
let stored: ArrayLike<number>;
before(async () => {
  const { weights } = await openModel(folder);
  tokens = new TokenEmbeddings(
    weights.textEncoder.get("text_model.embeddings.token_embedding.weight")!,
  );
  const file = await readSafetensors(`${folder}/text_encoder/model.fp16.safetensors`);
  stored = file.get("embeddings.token_embedding.weight")!.data as Float32Array;
});

const random = (item: number, count: number) =>
  Float32Array.from(normals({ seed: 2, purpose: "tokens", step: 0, item }, count));
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);

test("frozen rows come from the file, the placeholder's from the caller", async () => {
  const { vocabularySize, width } = tokens;
  assert.deepEqual([vocabularySize, width], [979, 24]);
  const rows = random(0, 2 * width);
  const captions = [[3, vocabularySize + 1], [vocabularySize, 978]];
  const { dims, data } = await tokens.lookUp(captions, rows);
  assert.deepEqual(dims, [2, 2, width]);
  const row = (at: number) => [...data.slice(at * width, (at + 1) * width)];
  const file = (id: number) => Array.from(stored).slice(id * width, (id + 1) * width);
  assert.deepEqual([row(0), row(3)], [file(3), file(978)]);
  assert.deepEqual([row(1), row(2)], [[...rows.slice(width)], [...rows.slice(0, width)]]);
  const whole: number[] = [];
  for await (const { first, values } of tokens.blocks()) {
    assert.equal(whole.length, first * tokens.width);
    whole.push(...values);
  }
  assert.deepEqual(Float32Array.from(whole), stored);
});

test("a vocabulary of several blocks, the last one shorter, in the type of the file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "blocks-"));
  const [file, width] = [join(folder, "words.safetensors"), 3];
  const words = Float32Array.from({ length: 5000 * width }, (_, i) => (i % 1999) - 999);
  for (const dtype of ["F32", "F16", "BF16"] as const) {
    // bfloat16 has 8 bits of a number
    const data = dtype === "BF16" ? words.map((word) => word % 256) : words;
    await writeSafetensors(file, new Map([["words", { dtype, shape: [5000, width], data }]]));
    const whole: number[] = [];
    const view = (await readHeader(file)).tensors.get("words")!;
    let blocks = 0;
    for await (const { first, values } of new TokenEmbeddings(view).blocks()) {
      assert.equal(whole.length, first * width);
      whole.push(...values);
      blocks++;
    }
    assert.ok(blocks > 2);
    assert.deepEqual(Float32Array.from(whole), data);
  }
  await rm(folder, { recursive: true });
});

test("gathering is the adjoint of the look-up: <lookUp(r) - lookUp(0), y> = <r, gather(y)>", async () => {
  const id = fc.oneof(fc.nat(978), fc.integer({ min: 979, max: 981 }));
  const captions = fc.array(fc.array(id, { minLength: 5, maxLength: 5 }), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(captions, fc.nat(1000), async (captions, seed) => {
      const { width } = tokens;
      const rows = random(seed, 3 * width);
      const y = random(seed + 1, captions.length * 5 * width);
      const moved = (await tokens.lookUp(captions, rows)).data;
      const still = (await tokens.lookUp(captions, new Float32Array(3 * width))).data;
      const left = dot(moved.map((value, i) => value - still[i]), y);
      const right = dot(rows, tokens.gather(captions, y, 3));
      assert.ok(Math.abs(left - right) < 1e-4 * (1 + Math.abs(left)), `${left} and ${right}`);
    }),
    { numRuns: 40 },
  );
});

test("ids that are no token and no row are refused", async () => {
  for (const id of [-1, 980, 1.5, NaN]) {
    await assert.rejects(tokens.lookUp([[0, id]], new Float32Array(24)), {
      _tag: "TokenIdFault",
      wanted: /from 0 to 979 \(979 tokens and 1 placeholder rows\)/,
      found: `${id}`,
    });
  }
});
