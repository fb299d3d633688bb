// Every card that a preset is named for holds its training, by the planner, on the provider that it names
// or on CUDA.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { networksOf } from "../engine/memory/networks-of.ts";
import { planMemory } from "../engine/memory/plan-memory.ts";
import { bundledConfigs } from "../engine/weights/folder-configs.ts";
import { trainingWork } from "../inversion/model/engine-work.ts";
import { read } from "./testing/read.ts";

const { configs } = await bundledConfigs();
const networks = networksOf(configs, "float16");

/** What a preset's training takes on a card of so many GiB. */
async function adviceFor(name: string, gib: number) {
  const { config } = await read({ file: `config/presets/${name}` });
  return planMemory({
    networks,
    ...trainingWork(configs.vae, config),
    compute: "float16",
    provider: config.provider === "auto" ? "cuda" : config.provider,
    available: { bytes: gib * 2 ** 30, by: "the card" },
  });
}

for (const name of readdirSync("config/presets").filter((name) => name.endsWith("gb.yaml"))) {
  const gib = Number(/(\d+)gb/.exec(name)![1]);
  test(`${name} fits a card of ${gib} GiB`, async () => {
    const { refusal, rows } = await adviceFor(name, gib);
    assert.equal(refusal, undefined);
    assert.ok(rows.every(({ fits, plan }) => fits || plan !== undefined));
  });
}

test("16 GB hold plan A; 22 GB do not hold training and pictures beside each other, 24 do", async () => {
  assert.equal((await adviceFor("gnome-16gb.yaml", 16)).plan, "A");
  for (const [gib, isTight] of [[22, true], [24, false]] as const) {
    const { plan, tight } = await adviceFor("gnome-24gb.yaml", gib);
    assert.deepEqual([plan, tight], ["A", isTight]);
  }
});
