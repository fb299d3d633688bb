// Everything at once that makes a training's steps differ from each other: pictures in four aspect-ratio
// buckets, two a batch, two batches a step, masks, random crops, the word twice in a caption. Killed and
// started anew it ends with the same bytes as undisturbed.
// The trap: only `deno task test:faults` runs it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import sharp from "sharp";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, filesBelow, findRun, smallTraining } from "../end-to-end/project.ts";
import { survivesKills } from "./killed-training.ts";

const skip = process.env.GNOMIC_FAULTS === "1" ? false : "only in `deno task test:faults`";

/** [width, height]; the buckets of each are [height, width] 64x64, 80x48, 40x88 and 88x40. */
const pictures = [[64, 64], [70, 72], [48, 90], [50, 88], [52, 80], [96, 48], [45, 90]] as const;
const buckets = ["40x88", "64x64", "80x48", "88x40"];

async function paint(folder: string): Promise<string> {
  mkdirSync(folder);
  const lines = [];
  for (const [i, [width, height]] of pictures.entries()) {
    const picture = {
      width,
      height,
      channels: 3,
      background: { r: 30 * i, g: 90, b: 200 },
    } as const;
    await sharp({ create: picture }).png().toFile(join(folder, `${i}.png`));
    const mask = Buffer.from(
      `<svg width="${width}" height="${height}"><rect width="100%" height="100%"/>` +
        `<circle cx="40%" cy="50%" r="20" fill="white"/></svg>`,
    );
    await sharp(mask).png().toFile(join(folder, `${i}-mask.png`));
    lines.push(JSON.stringify({ image: `${i}.png`, mask: `${i}-mask.png`, text: `number ${i}` }));
  }
  const file = join(folder, "data.jsonl");
  writeFileSync(file, lines.join("\n"));
  return file;
}

interface View {
  readonly size: readonly [number, number];
  readonly target_size: readonly [number, number];
  readonly posterior: unknown;
}

/** What is in the store of encoded views. */
function viewsIn(store: string): readonly View[] {
  const texts = filesBelow(store).map((path) => readFileSync(join(store, path), "utf8"));
  const found = texts.find((text) => text.startsWith("{") && text.includes('"posterior"'));
  assert.ok(found !== undefined, "latents in the store");
  const views: View[] = [];
  JSON.parse(found, (_, value) => {
    if (value?.posterior !== undefined) views.push(value);
    return value;
  });
  return views;
}

test(
  "buckets, batches, accumulation, masks and two placeholders, under kills",
  { skip },
  () =>
    withTemporaryFolder(async (folder) => {
      const dataset = await paint(join(folder, "pictures"));
      await survivesKills({
        folder,
        steps: 8,
        over: {
          use_masks: true,
          gradient_accumulation_steps: 2,
          data_loader: {
            dataset: { type: "IMAGE_CAPTION_JSONL_DATASET", jsonl_path: dataset },
            caption_templates: ["a {} beside another {},"],
            keep_original_captions: true,
            resolution: smallTraining.data_loader.resolution,
            aspect_ratio_buckets: {
              target_resolution: 64,
              start_dim: 32,
              end_dim: 128,
              divisible_by: 8,
            },
            center_crop: false,
            crops_per_image: 2,
            random_flip: true,
          },
        },
        kills: [
          { at: "save", times: 2 },
          { at: "step", times: 2, milliseconds: 30 },
        ],
      });
      const calm = join(folder, "calm");
      const views = viewsIn(join(calm, "output", ".gnomic-store"));
      assert.deepEqual(
        [...new Set(views.map((each) => each.target_size.join("x")))].sort(),
        buckets,
      );
      for (const { size, target_size } of views) {
        assert.deepEqual(size.map((side) => 8 * side), target_size);
      }
      // Five batches an epoch (the pictures of a bucket, two by two), two a step.
      const epochs = eventsOf(findRun(calm)!).flatMap((e) => e.event === "step" ? [e.epoch] : []);
      assert.deepEqual(epochs, [0, 0, 1, 1, 1, 2, 2, 2]);
    }),
);
