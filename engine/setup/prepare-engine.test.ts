// The whole way from a wish to a step: device, plan, engine, each said.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { memoryPlans } from "../memory/memory-plan.ts";
import { MemoryFault } from "../memory/plan-memory.ts";
import { tensor } from "../session/batch.ts";
import { openModel } from "../weights/model.ts";
import { type EngineWish, prepareEngine } from "./prepare-engine.ts";

const golden = fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url));
const wish: EngineWish = {
  model: await openModel(golden),
  provider: "cpu",
  threads: 1,
  compute: "float16",
  plans: memoryPlans,
  sizes: [{ height: 8, width: 8 }, { height: 16, width: 8 }],
  batch: 1,
};

test("a small model gets plan A on the CPU and works", async () => {
  const engine = await prepareEngine(wish);
  assert.equal(engine.plan, "A");
  const { dims } = await engine.decodeLatents(tensor(new Float32Array(4 * 64), [1, 4, 8, 8]));
  assert.equal(dims[0], 1);
  await engine.close();
});

test("a plan that is asked for is taken", async () => {
  const engine = await prepareEngine({ ...wish, plans: ["C"] });
  assert.equal(engine.plan, "C");
  await engine.close();
});

test("what no machine can hold is refused before a session is made", async () => {
  const sizes = [{ height: 2048, width: 2048 }];
  await assert.rejects(prepareEngine({ ...wish, sizes, batch: 8 }), MemoryFault);
  await assert.rejects(
    prepareEngine({ ...wish, plans: [], sizes: [{ height: 4096, width: 4096 }] }),
    (fault: MemoryFault) => /a prediction at 32768x32768/.test(fault.wanted),
  );
});
