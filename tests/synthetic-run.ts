// A run folder as a training would leave it, made of synthetic events: for tests of what reads runs (event
// files, page, report) without training. `synthetic-training.ts` makes one live.
// The trap: it must write files in the training's order, or tests prove nothing: pictures and
// checkpoints before the events that name them.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Effect } from "effect";
import sharp from "sharp";
import { measuredManifest } from "../inversion/testing/measured-manifest.ts";
import { keepTrainingPictures } from "../inversion/training-pictures.ts";
import type { RunEvent } from "../inversion/events.ts";
import { defaultRun, noise, syntheticEvents, type SyntheticRun } from "./synthetic-events.ts";

/** A resolved configuration, of which the first two keys differ from the defaults. */
export const syntheticConfiguration = (run: SyntheticRun) => ({
  type: "SDXL_TEXTUAL_INVERSION",
  seed: run.seed,
  placeholder_token: "gnome_bruce",
  initializer_token: "gnome",
  num_vectors: 4,
  max_train_steps: run.totalSteps,
  validation_prompts: run.prompts,
  num_validation_images_per_prompt: run.imagesPerPrompt,
  optimizer: { optimizer_type: "AdamW", learning_rate: 0.002 },
  data_loader: { resolution: 512, caption_preset: "object" },
});

const trainingPicture = (number: number) =>
  new URL(`../sample_data/tiny-bruce/train/00${number}.jpg`, import.meta.url).pathname;

/** A picture that emerges from noise as the training goes on. */
async function drawPicture(run: SyntheticRun, step: number, prompt: number, image: number) {
  const size = run.pictureSize;
  const source = trainingPicture(1 + (prompt + image) % 4);
  const base = await sharp(source).rotate().resize(size, size).removeAlpha().raw().toBuffer();
  const clarity = Math.min(1, 0.1 + 1.1 * step / run.totalSteps);
  const mixed = base.map((value, i) =>
    value * clarity + (1 - clarity) * 255 * noise(run.seed + image, prompt + 1, i)
  );
  return await sharp(mixed, { raw: { width: size, height: size, channels: 3 } })
    .jpeg({ quality: 85 }).toBuffer();
}

const put = (dir: string, path: string, bytes: Uint8Array | string) => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), bytes);
};

/** Writes the files that an event names. */
export async function writeFilesOf(dir: string, run: SyntheticRun, event: RunEvent): Promise<void> {
  if (event.event === "validation-picture") {
    put(dir, event.path, await drawPicture(run, event.step, event.prompt, event.image));
  } else if (event.event === "checkpoint") {
    put(dir, event.path, `checkpoint of step ${event.step}`);
  }
}

/** Writes the files that an event names, then appends the event. */
export async function appendEvent(dir: string, run: SyntheticRun, event: RunEvent): Promise<void> {
  await writeFilesOf(dir, run, event);
  appendFileSync(join(dir, "events.jsonl"), JSON.stringify(event) + "\n");
}

export async function createRunFolder(dir: string, run: SyntheticRun): Promise<void> {
  put(
    dir,
    "run.json",
    JSON.stringify({
      trigger: "gnome_bruce",
      configuration: syntheticConfiguration(run),
      seed: run.seed,
      inputs: measuredManifest.inputs,
    }),
  );
  const side = 128;
  const rgb = (number: number) =>
    sharp(trainingPicture(number)).rotate().resize(side, side).removeAlpha().raw().toBuffer();
  await Effect.runPromise(keepTrainingPictures(
    dir,
    [1, 2, 3, 4].map((number) => ({
      name: `00${number}.jpg`,
      digest: `${number}`.repeat(64),
      caption: `a photo of gnome_bruce, number ${number}`,
      width: side,
      height: side,
      rgb: Effect.promise(() => rgb(number)),
    })),
  ));
}

/** A complete run folder, or one that stands at `run.steps`. */
export async function writeSyntheticRun(
  dir: string,
  options: Partial<SyntheticRun> = {},
  name?: string,
): Promise<SyntheticRun> {
  const run = { ...defaultRun, ...options };
  await createRunFolder(dir, run);
  for (const event of syntheticEvents(run, name)) await appendEvent(dir, run, event);
  return run;
}
