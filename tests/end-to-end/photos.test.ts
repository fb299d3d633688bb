// The tutorial's four photos, 3024 x 4032 as a phone made them, with captions and masks, through the
// whole pipeline. One is deleted between runs; what they say about place and time goes nowhere.
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, filesBelow, gnomic, root, runIn, smallTraining, trainingIn } from "./project.ts";

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
    const steps = eventsOf(runIn(folder)).filter(({ event }) => event === "step");
    assert.equal(steps.length, 2);

    rmSync(join(photos, "003.jpg"));
    const again = await gnomic(command);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /003\.jpg/);
  }));

test("what cameras note beside the pixels is in no file of the run", () =>
  withTemporaryFolder(async (folder) => {
    const camera = /Exif\0\0|GPSLatitude|<x:xmpmeta/;
    const picture = join(root, "sample_data/tiny-bruce/train/002.jpg");
    assert.match(readFileSync(picture, "latin1"), camera, "002 carries EXIF");
    const { code, stderr } = await gnomic(trainingIn(folder, { max_train_steps: 2 }));
    assert.equal(code, 0, stderr);
    for (const path of filesBelow(join(folder, "output"))) {
      const text = readFileSync(join(folder, "output", path), "latin1");
      assert.doesNotMatch(text, camera, path);
    }
  }));
