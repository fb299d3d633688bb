// The choice of a plan as memory shrinks, and the refusal. The tables are worked out for the golden model
// at a size at which its plans differ.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openModel } from "../weights/model.ts";
import { contextOf, peakOf } from "./estimate.ts";
import { memoryPlans } from "./memory-plan.ts";
import { type MemoryQuestion, programBytes, trainingRow, vaeRows } from "./memory-rows.ts";
import { networksOf } from "./networks-of.ts";
import { encodingBeside, MemoryFault, planMemory } from "./plan-memory.ts";

const golden = fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url));
const model = await openModel(golden);
const base: MemoryQuestion = {
  networks: model,
  sizes: [{ height: 64, width: 64 }, { height: 128, width: 96 }],
  batch: 2,
  compute: "float32",
  provider: "cpu",
  available: undefined,
  plans: memoryPlans,
};
const rows = memoryPlans.map((plan) => trainingRow(base, plan));
const [a, b, c] = rows.map(({ peak }) => peak);
const having = (bytes: number) => ({ ...base, available: { bytes, by: "a test" } });

test("each plan takes less than the one before; on the processor B has C's chunks already", () => {
  const [x, y, z] = rows.map(({ peak }) => peak - programBytes);
  assert.ok(x > 1.2 * y && y === z, `${[x, y, z]}`);
  const card = { ...base, provider: "webgpu" } as const;
  const [d, e, f] = memoryPlans.map((plan) => trainingRow(card, plan).activations);
  assert.ok(d > 1.1 * e && e > 1.05 * f, `${[d, e, f]}`);
  for (const row of rows) assert.deepEqual([row.height, row.width, row.batch], [128, 96, 2]);
});

test("the fastest plan that fits is chosen, with or without the others' rows", () => {
  assert.equal(planMemory(having(a)).plan, "A");
  assert.equal(planMemory(having(a - 1)).plan, "B");
  const card = { ...base, provider: "webgpu" } as const;
  const { peak } = trainingRow(card, "B");
  assert.equal(planMemory({ ...card, available: { bytes: peak, by: "a test" } }).plan, "B");
  assert.equal(planMemory({ ...card, available: { bytes: peak - 1, by: "a test" } }).plan, "C");
  assert.equal(planMemory(having(2 * a)).rows.filter(({ work }) => work === "training").length, 1);
  const all = planMemory(having(b), true);
  assert.deepEqual(all.rows.slice(0, 3).map(({ plan, fits }) => [plan, fits]), [
    ["A", false],
    ["B", true],
    ["C", true],
  ]);
  assert.equal(all.plan, "B");
  const others = all.rows.slice(3).map(({ work }) => work);
  assert.deepEqual(others, ["text", "prediction", "encode", "decode"]);
  assert.match(all.note, /plan B.*a test/);
});

test("a plan that is asked for is taken or refused, not replaced", () => {
  assert.equal(planMemory({ ...having(a), plans: ["C"] }).plan, "C");
  const { plan, refusal } = planMemory({ ...having(b), plans: ["A"] });
  assert.equal(plan, "A");
  assert.ok(refusal instanceof MemoryFault);
  assert.match(refusal.fix, /memory_plan C/);
});

test("where not even plan C fits, the refusal says what it would take", () => {
  const { refusal } = planMemory(having(c / 2));
  assert.match(refusal!.wanted, /plan C at 768x1024 px, batch 2/);
  assert.match(refusal!.found, /a test/);
  assert.equal(planMemory(having(c)).refusal, undefined);
});

test("where nothing is trained, drawing is what has to fit", () => {
  const drawing = (bytes: number) => planMemory({ ...having(bytes), plans: [] });
  const { rows, refusal } = drawing(100 * a);
  assert.deepEqual(rows.map(({ work }) => work), ["text", "prediction", "encode", "decode"]);
  assert.equal(refusal, undefined);
  const peak = Math.max(rows[0].peak, rows[1].peak);
  assert.equal(drawing(peak).refusal, undefined);
  assert.match(drawing(peak - 1).refusal!.wanted, /for a (text|prediction) at 768x1024 px/);
});

test("drawing beside a training needs room of its own", () => {
  assert.equal(planMemory(having(a)).tight, true);
  assert.equal(planMemory(having(3 * a)).tight, false);
});

test("pictures are encoded beside a training where both fit, and never on a card", () => {
  const [{ peak }] = vaeRows(base);
  const alone = peak - programBytes;
  const both = a + encodingBeside(alone);
  const { plan, encodeBeside, note } = planMemory(having(both));
  assert.deepEqual([plan, encodeBeside], ["A", encodingBeside(alone)]);
  assert.match(note, /to encode pictures beside it/);
  const less = planMemory(having(both - 1));
  assert.deepEqual([less.plan, less.encodeBeside], ["A", undefined], "the plan stays");
  assert.match(less.note, /pictures are encoded before it/);
  // Seen in a whole process of a quarter of SDXL's width: at 256 px 80 MiB, at 512 px 212.
  for (const [said, taken] of [[43.4, 80], [140.8, 212]]) {
    const planned = encodingBeside(said * 2 ** 20) / 2 ** 20;
    assert.ok(planned >= taken && planned < taken + 20);
  }
  assert.equal(planMemory(base).encodeBeside, undefined);
  assert.equal(planMemory({ ...having(100 * a), plans: [] }).encodeBeside, undefined);
  assert.equal(planMemory({ ...having(100 * a), provider: "webgpu" }).encodeBeside, undefined);
});

test("a card of unknown memory gets plan B", () => {
  assert.equal(planMemory({ ...base, provider: "cuda", compute: "float16" }).plan, "B");
});

test("a card keeps as many sizes' graphs as it has room for, the CPU all", () => {
  assert.equal(planMemory(having(3 * a)).trainingSessions, undefined);
  const gpu = { ...base, provider: "cuda", plans: ["B"] } as const;
  const { peak } = trainingRow(gpu, "B");
  const with1 = { ...gpu, available: { bytes: 1.5 * peak, by: "a test" } };
  const with3 = { ...gpu, available: { bytes: 3.5 * peak, by: "a test" } };
  assert.deepEqual([gpu, with1, with3].map((q) => planMemory(q).trainingSessions), [1, 1, 3]);
});

test("the VAE works in tiles where a whole picture does not fit", () => {
  assert.deepEqual(planMemory(having(100 * a)).tiles, []);
  const decodeOf = (question: MemoryQuestion) =>
    vaeRows(question).find(({ work }) => work === "decode")!;
  const whole = decodeOf(base);
  const tiled = decodeOf(having(whole.peak - 1));
  assert.deepEqual([whole.tiled, tiled.tiled, tiled.fits], [false, true, true]);
  assert.deepEqual([tiled.height, tiled.width], [64, 64]);
  assert.ok(tiled.peak - programBytes < (whole.peak - programBytes) / 2);
});

test("configs alone give the same estimate as the model itself", () => {
  const imagined = networksOf(model.configs, "float32");
  const row = trainingRow({ ...base, networks: imagined }, "A");
  assert.deepEqual(row, rows[0]);
});

test("weights stored in half precision are mapped as they are on the CPU", () => {
  const half = trainingRow({ ...base, networks: networksOf(model.configs, "float16") }, "B");
  const { textEncoder, textEncoder2, unet } = model.weights;
  const views = [textEncoder, textEncoder2, unet].flatMap((table) => [...table.values()]);
  const bytes = views.reduce((sum, view) => sum + view.bytes, 0);
  const saved = rows[1].weights - half.weights;
  // The token embeddings are looked up elsewhere, and the last layer of encoder 1 is never used.
  assert.ok(saved > 0.8 * bytes / 2 && saved < bytes / 2, `${saved} of ${bytes}`);
  assert.ok(half.activations >= rows[1].activations);
});

test("a GPU that computes in float16 converts each weight once and needs less for the rest", () => {
  const gpu = { ...base, provider: "cuda" } as const;
  const [full, half] = (["float32", "float16"] as const).map((compute) =>
    trainingRow({ ...gpu, compute }, "B")
  );
  assert.ok(half.weights < 0.8 * full.weights, `${half.weights} and ${full.weights}`);
  // CUDA's arena grows in steps that hide it here.
  const [wide, narrow] = (["float32", "float16"] as const).map((compute) =>
    trainingRow({ ...base, provider: "dml", compute }, "B").activations
  );
  assert.ok(narrow < 0.75 * wide, `${narrow} and ${wide}`);
  // The card also holds the context of the driver and its libraries.
  assert.equal(peakOf(full, "cuda"), full.weights + full.activations + contextOf("cuda"));
});
