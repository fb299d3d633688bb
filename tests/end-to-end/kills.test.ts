// kill -9 in a step: what comes out is what comes out undisturbed, with everything in the state that a state can
// hold. In a save, in a validation, before each change of a file, twenty times: `deno task test:faults`.
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { moments, survivesKills } from "../faults/killed-training.ts";

/** A mean of the rows, the best of held-out pictures, rates that know their end. */
const everything = {
  optimizer: { optimizer_type: "AdamW", learning_rate: 0.3, learning_rate_unit: "vocabulary" },
  lr_scheduler: "warmup_stable_decay",
  lr_decay_fraction: 0.5,
  ema_decay: 0.9,
  num_vectors: 3,
  initializer_rest: "mean",
  fixed_loss_dataset: {
    type: "IMAGE_CAPTION_JSONL_DATASET",
    jsonl_path: "sample_data/tiny-bruce/held_out/data.jsonl",
  },
  fixed_loss_layout: "all",
  fixed_loss_timesteps: [500],
};

test("a kill in a step changes no byte", () =>
  withTemporaryFolder((folder) =>
    survivesKills({ folder, steps: 9, over: everything, kills: moments(1, 1) })
  ));
