// The WebGPU provider on a graphics card in software: everything that the engine computes for case a
// agrees with the CPU, and a whole training with PyTorch. It takes minutes.
// Skips without Debian's chromium, unless GNOMIC_REQUIRE_PEERS=1.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Device } from "../../engine/device/device.ts";
import { relativeError } from "../../engine/probe/compare.ts";
import { decodeProbeInputs } from "../../engine/probe/probe-inputs.ts";
import { probe } from "../../engine/probe/probe.ts";
import { Engine } from "../../engine/session/engine.ts";
import { openModel } from "../../engine/weights/model.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { checkGoldenRun } from "../golden-values/golden-run.ts";
import { skip, useSoftwareVulkan } from "./software-vulkan.ts";

useSoftwareVulkan();
const device = new Device({ provider: "webgpu", threads: 2, mapWeights: true });
after(() => device.close());

test("case a: every output within 1e-3 of the CPU's", { skip }, async () => {
  const golden = fileURLToPath(new URL("../golden/a/", import.meta.url));
  const model = await openModel(`${golden}model`);
  const file = `${golden}inputs.safetensors`;
  const inputs = decodeProbeInputs(await readSafetensors(file), model, file);
  const cpu = new Device({ provider: "cpu", threads: 2, mapWeights: true });
  const [wanted, found] = await Promise.all(
    [cpu, device].map((device) =>
      probe(new Engine({ model, device, compute: "float32", plan: "B" }), inputs)
    ),
  );
  await cpu.close();
  assert.deepEqual([...found.keys()], [...wanted.keys()]);
  for (const [name, { data }] of wanted) {
    const error = relativeError(found.get(name)!.data, data);
    assert.ok(error < 1e-3, `${name}: relative error ${error}`);
  }
});

test(
  "case a: twelve steps of training as on PyTorch",
  { skip },
  () => checkGoldenRun(device, "a", "pull_clip_accum", 1e-3),
);
