// What words are measured on is what a training would see: phone pictures upright, no masks, none of a Mac's
// shadow files, and what is no picture named.
import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { pixelsOf, someOf } from "./some-pictures.ts";

const heic = fileURLToPath(
  new URL("../../stages/ingest/fixtures/quarter-turn.heic", import.meta.url),
);

const area = 48 * 32;
/** The colours of a pixel, 0 to 255. */
const colourOf = (planar: Float32Array, pixel: number) =>
  [0, 1, 2].map((c) => Math.round((planar[c * area + pixel] + 1) * 127.5));

test("a folder as phones, Macs and other trainers leave it", () =>
  withTemporaryFolder(async (folder) => {
    const lying = { width: 64, height: 32, channels: 3 as const, background: "#204060" };
    await sharp({ create: lying }).withMetadata({ orientation: 6 }).jpeg()
      .toFile(join(folder, "a.jpg"));
    writeFileSync(join(folder, "._a.jpg"), "Mac OS X");
    await sharp({ create: lying }).png().toFile(join(folder, "a-masklabel.png"));
    copyFileSync(heic, join(folder, "b.heic"));
    const sources = await someOf(folder);
    assert.deepEqual(sources.map(({ name }) => name), ["a.jpg", "b.heic"]);

    const [upright, turned] = await Promise.all(
      sources.map(async (each) => (await pixelsOf(each, [48, 32])).data as Float32Array),
    );
    for (const [c, wanted] of [0x20, 0x40, 0x60].entries()) {
      assert.ok(Math.abs(colourOf(upright, 0)[c] - wanted) <= 2);
    }
    // Stored lying, (250,20,20) first; turned to the right, that corner is at the right.
    const [red, green] = colourOf(turned, 31);
    assert.ok(red > 200 && green < 70, `${red}, ${green}`);
  }));

test("what is no picture is named", () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "a.jpg"), "no picture");
    const [source] = await someOf(folder);
    await assert.rejects(pixelsOf(source, [16, 16]), /a\.jpg/);
  }));
