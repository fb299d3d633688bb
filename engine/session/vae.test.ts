// A VAE that overflows in float16 is computed again in float32, and that is said once. The device is a
// stand-in: ONNX Runtime has no float16 convolution on the CPU.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Device, Session } from "../device/device.ts";
import { elementCode, type Graph } from "../graph/graph.ts";
import { tensor } from "./batch.ts";
import { Engine } from "./engine.ts";
import { openModel } from "../weights/model.ts";

const isFloat16 = ({ nodes }: Graph) =>
  nodes.some(({ op, attributes }) => op === "Cast" && attributes.to === elementCode.float16);

test("a VAE that overflows in float16", async () => {
  const loaded: boolean[] = [];
  const device = {
    provider: "webgpu",
    load: (graph: Graph): Promise<Session> => {
      const half = isFloat16(graph);
      loaded.push(half);
      return Promise.resolve({
        run: () => {
          const [{ name, shape }] = graph.outputs;
          const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(half ? NaN : 0.5);
          return Promise.resolve({ [name]: { type: "float32" as const, dims: shape, data } });
        },
        release: () => Promise.resolve(),
      });
    },
  } as unknown as Device;
  const said: string[] = [];
  const model = await openModel(
    fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url)),
  );
  const say = (text: string) => void said.push(text);
  const engine = new Engine({ model, device, compute: "float16", plan: "A", say });

  const { mean } = await engine.encodeImage(tensor(new Float32Array(3 * 64 * 64), [1, 3, 64, 64]));
  assert.ok(mean.data.every((value) => value === 0.5));
  await engine.decodeLatents(mean);
  assert.deepEqual(loaded, [true, false, false]);
  assert.equal(said.length, 1);
  assert.match(said[0], /float32/);
});
