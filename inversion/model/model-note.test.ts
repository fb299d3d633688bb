// The plan's word on a model, through the files that people have: a marker in a single file, and an option
// that wins over it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openModel } from "../../engine/weights/model.ts";
import {
  readSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { modelNote } from "./model-note.ts";

const golden = fileURLToPath(new URL("../../tests/golden/a/", import.meta.url));
const silent = { prediction_type: null, rescale_betas_zero_snr: null };

test("what a model predicts, where that is written, and what the options make of it", () =>
  withTemporaryFolder(async (folder) => {
    const fromFolder = modelNote(await openModel(join(golden, "model")), silent);
    assert.match(
      fromFolder,
      /^model: .*prediction: epsilon, from scheduler\/scheduler_config.json/,
    );

    const file = join(folder, "marked.safetensors");
    const tensors = new Map<string, TensorToWrite>(
      await readSafetensors(join(golden, "single_file.safetensors")),
    );
    tensors.set("v_pred", { dtype: "F32", shape: [0], data: new Float32Array(0) });
    await writeSafetensors(file, tensors);
    const marked = await openModel(file, { modelConfig: join(golden, "model") });
    assert.match(modelNote(marked, silent), /unet: .*v_prediction, from the file's marker v_pred$/);
    assert.match(
      modelNote(marked, { prediction_type: "epsilon", rescale_betas_zero_snr: true }),
      /v_pred; prediction_type is epsilon by the options; rescale_betas_zero_snr is true/,
    );
  }));
