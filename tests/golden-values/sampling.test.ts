// The four samplers with the real networks against diffusers (tests/golden/README.md).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Device } from "../../engine/device/device.ts";
import type { SamplerName } from "../../engine/diffusion/samplers/samplers.ts";
import { relativeError } from "../../engine/probe/compare.ts";
import { sampleLatents } from "../../engine/sample/sample.ts";
import { Engine } from "../../engine/session/engine.ts";
import { openModel } from "../../engine/weights/model.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";

const golden = new URL("../golden/", import.meta.url);
const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

for (const name of ["a", "b", "c"]) {
  for (const sampler of ["ddpm", "ddim", "euler", "dpmpp_2m_karras"] as const) {
    test(`case ${name}, ${sampler}`, () => checkSampler(name, sampler));
  }
}

async function checkSampler(name: string, sampler: SamplerName): Promise<void> {
  const folder = new URL(`${name}/`, golden).pathname;
  const model = await openModel(`${folder}model`);
  const engine = new Engine({ model, device, compute: "float32", plan: "A" });
  const inputs = await readSafetensors(`${folder}inputs.safetensors`);
  const expected = await readSafetensors(`${folder}sampling.safetensors`);
  const values = (from: typeof inputs, key: string) =>
    Float32Array.from(from.get(key)!.data as never, Number);
  const firstRow = (key: string) => {
    const { shape } = inputs.get(key)!;
    return [...values(inputs, key).slice(0, shape[1])];
  };
  const [, , height, width] = inputs.get("latents")!.shape;
  let step = 0;
  await sampleLatents(engine, {
    captions: {
      ids1: [firstRow("ids1")],
      ids2: [firstRow("ids2")],
      rows1: values(inputs, "rows1"),
      rows2: values(inputs, "rows2"),
    },
    guidance: 5,
    sampler,
    steps: 6,
    height,
    width,
    timeIds: firstRow("time_ids"),
    scheduler: model.configs.scheduler,
    noise: (i) => values(expected, i < 0 ? "noise" : `ddpm_noise_${i}`),
    onStep: (_, latents) => {
      const error = relativeError(latents, values(expected, `${sampler}_latents_${step}`));
      assert.ok(error < 1e-4, `${name} ${sampler} step ${step}: relative error ${error}`);
      step++;
    },
  });
  assert.equal(step, 6);
}
