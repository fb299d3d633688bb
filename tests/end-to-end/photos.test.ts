// The tutorial's four photos, 3024 x 4032 as a phone made them, with captions and masks, through the
// whole pipeline. One is deleted between runs.
import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, refusalOf, root, runIn, smallTraining, stepsOf, trainingIn } from "./project.ts";

const withMasks = (folder: string) => ({
  max_train_steps: 2,
  save_every_n_steps: 2,
  validate_every_n_steps: 2,
  use_masks: true,
  data_loader: {
    ...smallTraining.data_loader,
    dataset: {
      type: "IMAGE_CAPTION_JSONL_DATASET",
      jsonl_path: join(folder, "photos", "data_masks.jsonl"),
    },
    keep_original_captions: true,
  },
});

test("photos with captions and masks train; a deleted one is named", () =>
  withTemporaryFolder(async (folder) => {
    const photos = join(folder, "photos");
    cpSync(join(root, "sample_data/bruce_the_gnome"), photos, { recursive: true });
    const command = trainingIn(folder, withMasks(folder));
    const { code, stdout, stderr } = await gnomic(command);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stepsOf(runIn(folder)).length, 2);

    rmSync(join(photos, "003.jpg"));
    assert.match(await refusalOf(command), /003\.jpg/);
  }));
