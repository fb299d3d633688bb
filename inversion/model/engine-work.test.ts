// Which memory plans a configuration asks for, and which sizes are computed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { trainingWork, wishedPlans } from "./engine-work.ts";

test("auto leaves all plans, the reference's checkpointing those that keep less, a name that one", () => {
  const wished = (memory_plan: "auto" | "C", gradient_checkpointing: boolean) =>
    wishedPlans({ memory_plan, gradient_checkpointing });
  assert.deepEqual(wished("auto", false), ["A", "B", "C"]);
  assert.deepEqual(wished("auto", true), ["B", "C"]);
  assert.deepEqual(wished("C", true), ["C"]);
});

test("the latents' size of validations, and of every bucket, each once", () => {
  const vae = { block_out_channels: [1, 1, 1, 1] };
  const options = {
    memory_plan: "A",
    gradient_checkpointing: false,
    train_batch_size: 3,
    data_loader: { resolution: [512, 768], aspect_ratio_buckets: null },
  } as const;
  const { sizes, batch, plans } = trainingWork(vae, options);
  assert.deepEqual([sizes, batch, plans], [[{ height: 64, width: 96 }], 3, ["A"]]);
  const aspect_ratio_buckets = {
    target_resolution: 512,
    start_dim: 256,
    end_dim: 512,
    divisible_by: 256,
  };
  const bucketed = trainingWork(vae, {
    ...options,
    data_loader: { resolution: 512, aspect_ratio_buckets },
  });
  assert.deepEqual(bucketed.sizes, [
    { height: 64, width: 64 },
    { height: 128, width: 32 },
    { height: 32, width: 128 },
  ]);
});
