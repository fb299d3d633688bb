import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import sharp from "sharp";
import { decodeMask, placeMask } from "./decode-mask.ts";
import { readPictureHeader } from "./picture-header.ts";

const rules = { maxPixels: 1e8, upright: true };
const mean = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

const headed = async (file: string, bytes: Uint8Array) => ({
  file,
  header: await readPictureHeader(bytes, file, rules),
});

const raw = (width: number, height: number, channels: 1 | 3 | 4, at: (i: number) => number) =>
  sharp(Uint8Array.from({ length: width * height * channels }, (_, i) => at(i)), {
    raw: { width, height, channels },
  });

test("mask 001 of the sample data has the mean 31.7", async () => {
  const bytes = readFileSync(
    new URL("../../sample_data/bruce_the_gnome/masks/001.png", import.meta.url),
  );
  const { width, height, channels, data } = await decodeMask(bytes, "001.png", 1);
  assert.deepEqual([width, height, channels, data.length], [756, 1008, 1, 756 * 1008]);
  assert.ok(Math.abs(mean(data) - 31.7) < 0.05, `${mean(data)}`);
});

test("luminance of colours as Pillow's L; transparent counts as black; bits as stored", async () => {
  const grey = async (...rgba: number[]) =>
    (await decodeMask(
      await raw(8, 8, rgba.length as 3 | 4, (i) => rgba[i % rgba.length]).png().toBuffer(),
      "m.png",
      1,
    )).data[0];
  assert.equal(await grey(255, 0, 0), 76);
  assert.equal(await grey(0, 255, 0), 150);
  assert.equal(await grey(0, 0, 255), 29);
  assert.equal(await grey(250, 120, 60), 152);
  assert.equal(await grey(255, 255, 255, 0), 0);
  assert.equal(await grey(255, 255, 255, 255), 255);
  const single = await raw(8, 8, 1, () => 77).toColourspace("b-w").png().toBuffer();
  assert.equal((await decodeMask(single, "m.png", 1)).data[9], 77);
});

test("a smaller mask of the same shape fits, another shape does not", async () => {
  const size = async (width: number, height: number) =>
    await headed(`${width}x${height}`, await raw(width, height, 1, () => 255).png().toBuffer());
  const picture = await size(300, 401);
  assert.deepEqual(placeMask(await size(75, 100), picture), { orientation: 1, warnings: [] });
  assert.deepEqual(placeMask(await size(75, 101), picture), { orientation: 1, warnings: [] });
  const square = await size(100, 100);
  assert.throws(() => placeMask(square, picture), {
    _tag: "MaskFault",
    file: "100x100",
    wanted: /shape of 300x401, 300x401/,
    found: "100x100",
  });
});

test("a mask on its side beside a photo turned by EXIF is turned with it, and that is said", async () => {
  // The scene is 16 wide and 24 high with a white top left corner; stored turned, for orientation n.
  const corner = (width: number, x: number, y: number) => (i: number) =>
    Math.floor((i % width) / 8) === x && Math.floor(i / width / 8) === y ? 255 : 0;
  const stored: Record<number, Promise<Uint8Array>> = {
    5: raw(24, 16, 1, corner(24, 0, 0)).png().toBuffer(),
    6: raw(24, 16, 1, corner(24, 0, 1)).png().toBuffer(),
    7: raw(24, 16, 1, corner(24, 2, 1)).png().toBuffer(),
    8: raw(24, 16, 1, corner(24, 2, 0)).png().toBuffer(),
  };
  for (const orientation of [5, 6, 7, 8]) {
    const bytes = await stored[orientation];
    const photo = await headed(
      "p.jpg",
      await sharp(bytes).withMetadata({ orientation }).jpeg().toBuffer(),
    );
    const placed = placeMask(await headed("m.png", bytes), photo);
    assert.equal(placed.orientation, orientation);
    assert.match(placed.warnings[0], /p\.jpg is turned by its EXIF data.*m\.png is not/);
    const { width, height, data } = await decodeMask(bytes, "m.png", placed.orientation);
    assert.deepEqual([width, height], [16, 24]);
    assert.deepEqual(data, Uint8Array.from({ length: 16 * 24 }, (_, i) => corner(16, 0, 0)(i)));
  }
});
