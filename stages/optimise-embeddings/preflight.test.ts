// What is wrong with a training is said before it has pictures.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { writeSafetensors } from "../../engine/weights/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import type { OptimiseOptions } from "./options.ts";
import { preflight } from "./preflight.ts";

const said = async (options: Partial<OptimiseOptions>) => {
  const faults = await Effect.runPromise(preflight({
    model: fileURLToPath(new URL("../../sample_data/tiny-sdxl", import.meta.url)),
    hf_variant: null,
    hf_revision: null,
    vae_model: null,
    model_config: null,
    num_vectors: 2,
    initial_embedding_file: null,
    optimizer: { optimizer_type: "AdamW", learning_rate: 1e-2 },
    lr_scheduler: "polynomial",
    lr_warmup_steps: 0,
    max_train_steps: 5,
    ...options,
  } as OptimiseOptions));
  return faults.map(({ message }) => message);
};

test("an embedding file of another model, or with other vectors; a missing one", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "e.safetensors");
    // The sample model's widths, as its config.json files have them.
    const of = (width: number, rows = 2) =>
      ({ dtype: "F32", shape: [rows, width], data: new Float32Array(rows * width) }) as const;
    const write = (l: number, g: number, rows?: number) =>
      writeSafetensors(file, new Map([["clip_l", of(l, rows)], ["clip_g", of(g, rows)]]), {});
    await write(64, 96);
    assert.deepEqual(await said({ initial_embedding_file: file }), []);
    await write(64, 96, 3);
    assert.match((await said({ initial_embedding_file: file })).join(), /Set num_vectors to 3/);
    await write(768, 1280);
    assert.match((await said({ initial_embedding_file: file })).join(), /\[2, 64\].*\[2,768\]/);
    const absent = await said({ initial_embedding_file: join(folder, "none.safetensors") });
    assert.match(absent.join(), /none\.safetensors/);
  }));

test("rates that have no course, as far as the length is known", async () => {
  assert.deepEqual(await said({ lr_warmup_steps: 4 }), []);
  assert.match((await said({ lr_warmup_steps: 5 })).join(), /lr_warmup_steps.*5 steps/);
  const epochs = { max_train_steps: null, max_train_epochs: 2 };
  assert.deepEqual(await said({ ...epochs, lr_warmup_steps: 5 }), []);
  const optimizer = { optimizer_type: "AdamW", learning_rate: 0 } as OptimiseOptions["optimizer"];
  assert.match((await said({ ...epochs, optimizer })).join(), /above 1e-7/);
});
