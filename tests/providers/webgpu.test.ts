// The WebGPU provider on a graphics card in software: everything that the engine computes for case a
// agrees with the CPU, and a whole training with PyTorch. It takes minutes.
// Skips without Debian's chromium, unless GNOMIC_REQUIRE_PEERS=1.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Device } from "../../engine/device/device.ts";
import { GraphBuilder } from "../../engine/graph/builder.ts";
import { relativeError } from "../../engine/probe/compare.ts";
import { decodeProbeInputs } from "../../engine/probe/probe-inputs.ts";
import { probe } from "../../engine/probe/probe.ts";
import { Engine } from "../../engine/session/engine.ts";
import { normals } from "../../engine/random/draw.ts";
import { openModel } from "../../engine/weights/model.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { sumError } from "../../engine/setup/sum-check.ts";
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

test(
  "convolutions of 6 and 9 channels, which WebGPU alone computes wrongly",
  { skip },
  async () => {
    const cpu = new Device({ provider: "cpu", threads: 2, mapWeights: true });
    for (const channels of [6, 9]) {
      const g = new GraphBuilder();
      const drawn = (item: number, count: number) =>
        normals({ seed: 5, purpose: "webgpu", step: channels, item }, count);
      const weight = g.constant([...drawn(0, 8 * channels * 9)], [8, channels, 3, 3]);
      const y = g.apply("Conv", [g.input("x", [1, channels, 9, 9]), weight], {
        ...{ kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
      });
      const graph = g.finish({ y });
      const data = Float32Array.from(drawn(1, channels * 81));
      const feeds = { x: { type: "float32" as const, dims: [1, channels, 9, 9], data } };
      const [wanted, found] = await Promise.all([cpu, device].map(async (on) => {
        const session = await on.load(graph);
        return (await session.run(feeds)).y.data;
      }));
      assert.ok(relativeError(found, wanted) < 1e-5);
    }
    await cpu.close();
  },
);

test("long sums in float32 are within 1e-4 of float64's", { skip }, async () => {
  assert.ok(await sumError(device, "float32") < 1e-4);
});
