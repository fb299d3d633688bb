// kill -9 at drawn moments under every option of what is learned and how it is measured: what comes out is
// what comes out undisturbed. Options that do not meddle with each other share a training.
// The trap: `over` replaces whole options, so an optimizer brings its own rate. Some minutes, so only
// `deno task test:faults` runs it.
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { root } from "../end-to-end/project.ts";
import { moments, survivesKills } from "./killed-training.ts";

const skip = process.env.GNOMIC_FAULTS === "1" ? false : "only in `deno task test:faults`";

/** Of fewer than eight pictures none are set aside. */
function eightPictures(folder: string): string {
  const pictures = join(folder, "pictures");
  mkdirSync(pictures);
  for (const part of ["train", "held_out"]) {
    for (const name of ["001.jpg", "002.jpg", "003.jpg", "004.jpg"]) {
      cpSync(
        join(root, "sample_data/tiny-bruce", part, name),
        join(pictures, `${part}-${name}`),
      );
    }
  }
  return pictures;
}

interface Case {
  readonly seed: number;
  readonly over: (folder: string) => object;
}

const cases: Readonly<Record<string, Case>> = {
  "the mean of rows that begin at the vocabulary's, at rates in its unit that fall at the end": {
    seed: 1,
    over: () => ({
      optimizer: { optimizer_type: "AdamW", learning_rate: 0.3, learning_rate_unit: "vocabulary" },
      lr_scheduler: "warmup_stable_decay",
      lr_warmup_steps: 2,
      lr_decay_fraction: 0.5,
      ema_decay: 0.9,
      num_vectors: 3,
      initializer_rest: "mean",
      fixed_loss_layout: "all",
      fixed_loss_timesteps: [300, 700],
    }),
  },
  "pictures that are set aside, rows that begin at the end token, both kinds of pooling": {
    seed: 2,
    over: (folder) => ({
      model: "tests/golden/c/model", // the usual one's end token leaves no choice of pooling
      data_loader: {
        dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: eightPictures(folder) },
        caption_preset: "object",
        resolution: 64,
      },
      fixed_loss_holdout: 2,
      num_vectors: 3,
      initializer_rest: "end",
      pooling: "mixed",
      validation_pooling: "both",
      prompt_following: true,
      before_after_timesteps: [500],
    }),
  },
  "Prodigy, with a fixed loss that is measured as often as is cheap": {
    seed: 3,
    over: () => ({ optimizer: { optimizer_type: "Prodigy" }, fixed_loss_every: "auto" }),
  },
};

for (const [name, { seed, over }] of Object.entries(cases)) {
  test(
    `three kills (seed ${seed}) change no byte of ${name}`,
    { skip },
    () =>
      withTemporaryFolder((folder) =>
        survivesKills({ folder, steps: 8, over: over(folder), kills: moments(3, seed) })
      ),
  );
}

/** After so many more steps, at once. */
const afterSteps = (times: number) => ({ at: "step", times, milliseconds: 0 }) as const;

test(
  "kills before and at its end change no byte of a training that stops early",
  { skip },
  () =>
    withTemporaryFolder((folder) =>
      survivesKills({
        folder,
        steps: 300,
        ends: 225, // the ninth measure after the start: before, eight are too many or too unlike
        over: {
          early_stop: true,
          fixed_loss_every: "auto",
          optimizer: { optimizer_type: "AdamW", learning_rate: 3e-2 },
          ema_decay: 0.97, // a mean comes to rest, which rows at a constant rate do not
          data_loader: {
            dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: "sample_data/tiny-bruce/train" },
            caption_preset: "object",
            resolution: 16,
          },
          save_every_n_steps: 100,
          validation_prompts: [],
        },
        kills: [150, 60, 5, 3].map(afterSteps),
      })
    ),
);
