// Every card that a preset is named for holds its training, by the planner, on the provider that it names
// or on CUDA.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { networksOf } from "../engine/memory/networks-of.ts";
import type { MemoryQuestion } from "../engine/memory/memory-rows.ts";
import { planMemory } from "../engine/memory/plan-memory.ts";
import { bundledConfigs } from "../engine/weights/folder-configs.ts";
import { trainingWork } from "../inversion/model/engine-work.ts";
import { read } from "./testing/read.ts";

const { configs } = await bundledConfigs();
const networks = networksOf(configs, "float16");

/** A preset's training on a card of so many GiB. */
async function questionOf(name: string, gib: number): Promise<MemoryQuestion> {
  const { config } = await read({ file: `config/presets/${name}` });
  return {
    networks,
    ...trainingWork(configs.vae, config),
    compute: "float16",
    provider: config.provider === "auto" ? "cuda" : config.provider,
    available: { bytes: gib * 2 ** 30, by: "the card" },
  };
}

const adviceFor = async (name: string, gib: number) => planMemory(await questionOf(name, gib));

for (const name of readdirSync("config/presets").filter((name) => name.endsWith("gb.yaml"))) {
  const gib = Number(/(\d+)gb/.exec(name)![1]);
  test(`${name} fits a card of ${gib} GiB`, async () => {
    const { refusal, rows } = await adviceFor(name, gib);
    assert.equal(refusal, undefined);
    assert.ok(rows.every(({ fits, plan }) => fits || plan !== undefined));
  });
}

test("12 GB hold plan B, and C would spare nothing", async () => {
  const { plan, rows } = await adviceFor("gnome-12gb.yaml", 12);
  assert.equal(plan, "B");
  const thriftier = planMemory({ ...await questionOf("gnome-12gb.yaml", 12), plans: ["C"] });
  const peakOf = (all: typeof rows) =>
    Math.round(all.find((row) => row.work === "training" && row.fits)!.peak / 2 ** 20);
  assert.equal(peakOf(thriftier.rows), peakOf(rows));
});

test("16 GB hold plan A; 22 GB do not hold training and pictures beside each other, 24 do", async () => {
  assert.equal((await adviceFor("gnome-16gb.yaml", 16)).plan, "A");
  for (const [gib, isTight] of [[22, true], [24, false]] as const) {
    const { plan, tight } = await adviceFor("gnome-24gb.yaml", gib);
    assert.deepEqual([plan, tight], ["A", isTight]);
  }
});
