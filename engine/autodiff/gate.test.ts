import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Device } from "../device/device.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { gate } from "./gate.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

test("a gate leaves its value alone, also where what it waits for is too large to be added up", async () => {
  const g = new GraphBuilder();
  const value = g.input("value", [2, 2]);
  const large = ["a", "b", "c"].map((name) => g.input(name, [3]));
  const session = await device.load(g.finish({ gated: gate(g, value, ...large) }));
  const data = Float32Array.of(1, -2, 0.1, 3e38);
  // Two of these are more than float32 holds.
  const most = { type: "float32", dims: [3], data: new Float32Array(3).fill(3e38) } as const;
  const { gated } = await session.run({
    value: { type: "float32", dims: [2, 2], data },
    ...{ a: most, b: most, c: most },
  });
  assert.deepEqual(gated.data, data);
});
