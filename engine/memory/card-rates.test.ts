// What cards are expected to do, against figures that were worked out operator by operator before this table
// was (a roofline of each node, with 5 to 7 microseconds a launch).
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundledConfigs } from "../weights/folder-configs.ts";
import { cardsLike, expectedRate, knownCards } from "./card-rates.ts";
import { trainingRow } from "./memory-rows.ts";
import { networksOf } from "./networks-of.ts";
import { secondsOf } from "./step-time.ts";

const networks = networksOf((await bundledConfigs()).configs, "float16");
const costOf = (provider: "cuda" | "webgpu", plan: "A" | "C") =>
  trainingRow({
    networks,
    sizes: [{ height: 128, width: 128 }],
    batch: 1,
    compute: "float16",
    provider,
    available: undefined,
    plans: [plan],
  }, plan).cost;

test("1024 px on a 4090, a 3090, a 3060: between the roofline and twice that", () => {
  const cuda = { A: costOf("cuda", "A"), C: costOf("cuda", "C") };
  for (
    const [name, plan, roofline] of [
      ["RTX 4090", "A", 0.29],
      ["RTX 3090", "A", 0.48],
      ["RTX 4070", "C", 0.78],
      ["RTX 3060", "C", 1.36],
    ] as const
  ) {
    const [card] = cardsLike(name, null);
    const seconds = secondsOf(cuda[plan], expectedRate(card, "cuda", "float16")!);
    assert.ok(seconds > 0.8 * roofline && seconds < 2 * roofline, `${name}: ${seconds}`);
  }
  const [card] = cardsLike("4090", null);
  const seconds = secondsOf(costOf("webgpu", "A"), expectedRate(card, "webgpu", "float16")!);
  assert.ok(seconds > 1 && seconds < 2, `${seconds}`);
});

test("cards by a part of the name, by memory, or all of them", () => {
  assert.deepEqual(cardsLike("4060 ti", null).map(({ name }) => name), ["RTX 4060 Ti 16GB"]);
  assert.deepEqual(cardsLike("voodoo", 12), []);
  const twelve = cardsLike(null, 12);
  assert.ok(twelve.length >= 3 && twelve.every(({ memory }) => memory >= 11 && memory <= 13));
  assert.equal(cardsLike(null, 200), knownCards);
});

test("CUDA computes on NVIDIA's cards alone, and in float32 without tensor cores", () => {
  const [amd] = cardsLike("7900", null);
  assert.equal(expectedRate(amd, "cuda", "float16"), undefined);
  assert.ok(expectedRate(amd, "webgpu", "float16") !== undefined);
  const [card] = cardsLike("4090", null);
  const [half, single] = (["float16", "float32"] as const).map((compute) =>
    expectedRate(card, "cuda", compute)!.flops
  );
  assert.ok(half > 1.5 * single);
});
