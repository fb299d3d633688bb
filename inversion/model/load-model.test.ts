// One opening of a model serves everybody in a process: the plan, which asks without the network, and the
// stages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { loadModel } from "./load-model.ts";

const options = {
  model: fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url)),
  hf_variant: null,
  hf_revision: null,
  vae_model: null,
  model_config: null,
};
const load = (offline: boolean) =>
  Effect.runPromise(loadModel(options, { offline, progress: () => Effect.void }));

test("a plan that asks without the network gets the model that a stage has opened", async () => {
  const planned = await load(true);
  const opened = await load(false);
  assert.notEqual(opened, planned, "what a dry run opened may lack converted weights");
  assert.equal(await load(true), opened);
  assert.equal(await load(false), opened);
});
