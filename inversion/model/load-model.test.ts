// One opening of a model serves everybody in a process: the plan, which asks without the network, and the
// stages.
import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { copyOfA, modelA } from "../../engine/weights/model.fixture.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { loadModel } from "./load-model.ts";

const options = {
  hf_variant: null,
  hf_revision: null,
  vae_model: null,
  model_config: null,
};
const load = (offline: boolean, model = modelA) =>
  Effect.runPromise(loadModel({ ...options, model }, { offline, progress: () => Effect.void }));

test("a plan that asks without the network gets the model that a stage has opened", async () => {
  const planned = await load(true);
  const opened = await load(false);
  assert.notEqual(opened, planned, "what a dry run opened may lack converted weights");
  assert.equal(await load(true), opened);
  assert.equal(await load(false), opened);
});

test("a name that leads nowhere is said of the option that holds it", async () => {
  for (const key of ["model", "vae_model", "model_config"] as const) {
    const wrong = { ...options, model: modelA, [key]: "./nowhere" };
    const opened = loadModel(wrong, { offline: true, progress: () => Effect.void });
    const fault = await Effect.runPromise(Effect.flip(opened));
    assert.equal(fault._tag, "ModelNameFault");
    assert.match(fault.message, new RegExp(`^${key}: wanted a folder.*"\\./nowhere"`));
  }
});

test("what failed to open is tried again by the next who asks", () =>
  withTemporaryFolder(async (folder) => {
    const model = await copyOfA(folder, "model");
    await rename(join(model, "unet"), join(model, "elsewhere"));
    await assert.rejects(load(false, model), { _tag: "ModelFault" });
    await rename(join(model, "elsewhere"), join(model, "unet"));
    const [first, second] = await Promise.all([load(false, model), load(false, model)]);
    assert.equal(second, first);
  }));
