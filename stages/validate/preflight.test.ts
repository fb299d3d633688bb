// What is found out before anything runs: a sampler that cannot begin where the model's schedule ends.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Schema } from "effect";
import { copyOfA } from "../../engine/weights/model.fixture.ts";
import { offlineInputs } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { ValidateOptions } from "./options.ts";
import { validate } from "./stage.ts";

test("an epsilon model without signal at the first timestep needs a sampler that can begin there", () =>
  withTemporaryFolder(async (folder) => {
    const model = await copyOfA(folder, "model");
    const file = join(model, "scheduler/scheduler_config.json");
    const config = JSON.parse(await readFile(file, "utf8"));
    const trailing = { rescale_betas_zero_snr: true, timestep_spacing: "trailing" };
    await writeFile(file, JSON.stringify({ ...config, ...trailing }));
    const faults = (more: object) =>
      Effect.runPromise(validate.preflight!(
        Schema.decodeUnknownSync(ValidateOptions)({
          ...{ seed: 1, model, placeholder_token: "my_gnome", validation_prompts: ["my_gnome"] },
          data_loader: { resolution: 64 },
          ...more,
        }),
        offlineInputs,
      ));
    const [fault, ...others] = await faults({ validation_sampler: "ddpm" });
    assert.deepEqual(others, []);
    assert.match(fault.message, /some signal.*Take the euler/);
    assert.deepEqual(await faults({ validation_sampler: "euler" }), []);
    assert.deepEqual(await faults({ validation_sampler: "ddpm", validation_prompts: [] }), []);
    assert.deepEqual(await faults({ validation_sampler: "ddpm", model: join(folder, "none") }), []);
  }));
