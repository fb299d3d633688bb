// The copies must show the views' pixels, carry nothing else, and be made once.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import sharp from "sharp";
import type { Example } from "../../inversion/artefacts/examples.ts";
import { memoryTools } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { trainingPictures } from "./stage.ts";

const height = 24;
const width = 16;

/** A picture that is red above and blue below. */
const pixels = () => {
  const rgb = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) rgb[i * 3 + (i < height * width / 2 ? 0 : 2)] = 200;
  return rgb;
};

test("each picture is copied once, as the training sees it", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = { ...memoryTools(), runDir };
    const info = { runDir, seed: 1, info: tools.run };
    const remainingWork = () => Effect.runPromise(trainingPictures.remainingWork!({}, info));
    assert.match((await remainingWork())?.why ?? "", /not copied/);

    const blob = await Effect.runPromise(tools.put(pixels()));
    const size = [height, width] as const;
    const example: Example = {
      id: "one.jpg",
      digest: "ab",
      original_size: size,
      caption: "<b>a gnome</b>",
      views: [{
        size,
        original_size: size,
        target_size: size,
        crop_top_left: [0, 0],
        crop: 0,
        flipped: false,
        pixels: blob,
        mask: null,
      }],
    };
    const examples = {
      train: [example, { ...example, id: "two.jpg", caption: null }],
      heldOut: [],
    };
    const run = () =>
      Effect.runPromise(
        trainingPictures.run({ options: {}, inputs: { examples }, writers: {}, tools }),
      );
    await run();
    assert.equal(await remainingWork(), null);
    const index = JSON.parse(readFileSync(join(runDir, "training", "pictures.json"), "utf8"));
    assert.deepEqual(index, [
      {
        path: "training/0000.jpg",
        name: "one.jpg",
        digest: "ab",
        caption: "<b>a gnome</b>",
        width,
        height,
      },
      { path: "training/0001.jpg", name: "two.jpg", digest: "ab", caption: null, width, height },
    ]);

    const copy = join(runDir, index[0].path);
    const { exif, xmp, iptc } = await sharp(copy).metadata();
    assert.deepEqual([exif, xmp, iptc], [undefined, undefined, undefined]);
    const shown = await sharp(copy).raw().toBuffer();
    const at = (row: number) => [...shown.subarray(row * width * 3 + 24, row * width * 3 + 27)];
    const near = (found: number[], wanted: number[]) =>
      assert.ok(found.every((value, i) => Math.abs(value - wanted[i]) < 25), `${found}`);
    near(at(3), [200, 0, 0]);
    near(at(20), [0, 0, 200]);

    const { mtimeMs } = statSync(copy);
    await run();
    assert.equal(statSync(copy).mtimeMs, mtimeMs);
  }));
