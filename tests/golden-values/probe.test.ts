// The engine against PyTorch and diffusers in float64 (tests/golden/README.md), from the folders and from
// the single file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Device } from "../../engine/device/device.ts";
import type { MemoryPlan } from "../../engine/memory/memory-plan.ts";
import { relativeError } from "../../engine/probe/compare.ts";
import { decodeProbeInputs } from "../../engine/probe/probe-inputs.ts";
import { probe } from "../../engine/probe/probe.ts";
import { Engine } from "../../engine/session/engine.ts";
import { openModel } from "../../engine/weights/model.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";

const golden = new URL("../golden/", import.meta.url).pathname;
const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

async function checkCase(name: string, model: string, plan: MemoryPlan, modelConfig?: string) {
  const opened = await openModel(model, modelConfig === undefined ? {} : { modelConfig });
  const engine = new Engine({ model: opened, device, compute: "float32", plan });
  const file = `${golden}${name}/inputs.safetensors`;
  const inputs = decodeProbeInputs(await readSafetensors(file), opened, file);
  const expected = await readSafetensors(`${golden}${name}/expected.safetensors`);
  const outputs = await probe(engine, inputs);
  assert.deepEqual([...outputs.keys()].sort(), [...expected.keys()].sort());
  for (const [key, { shape, data }] of expected) {
    const { dims, data: computed } = outputs.get(key)!;
    assert.deepEqual([...dims], [...shape], key);
    const error = relativeError(computed, data as Float32Array);
    const tolerance = key.startsWith("grad") ? 2e-5 : 1e-5;
    assert.ok(error < tolerance, `${name} ${key}: relative error ${error}`);
  }
}

for (const name of ["a", "b", "c"]) {
  for (const plan of ["A", "B", "C"] as const) {
    test(`case ${name} under plan ${plan}`, () => checkCase(name, `${golden}${name}/model`, plan));
  }
}

test("case a from a single file with its configs named", () =>
  checkCase("a", `${golden}a/single_file.safetensors`, "A", `${golden}a/model`));
