// tests/corpus/tiff was written by Pillow 13 and tifffile: a picture of 32 x 24 in many kinds of TIFF, with
// what Pillow's `convert("RGB")` makes of it (transparency over white).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import sharp from "sharp";
import { decodePicture } from "./decode-picture.ts";
import { readPictureHeader } from "./picture-header.ts";
import { readableBytes } from "./readable-bytes.ts";
import { rgbaTiff } from "./rgba-tiff.ts";
import { tiffKind } from "./tiff-kind.ts";

const corpus = new URL("../../tests/corpus/tiff/", import.meta.url);
const { pixels, refused }: {
  pixels: Record<string, string>;
  refused: Record<string, string>;
} = JSON.parse(readFileSync(new URL("pillow.json", corpus), "utf8"));
const tiff = (name: string) => new Uint8Array(readFileSync(new URL(`${name}.tif`, corpus)));
const rules = { maxPixels: 1e8, upright: true };

for (const [name, base64] of Object.entries(pixels)) {
  test(`${name}.tif comes out as in Pillow, to 1 of 255`, async () => {
    const header = await readPictureHeader(tiff(name), name, rules);
    const { data } = await decodePicture(tiff(name), header, name);
    const wanted = Buffer.from(base64, "base64");
    assert.equal(data.length, wanted.length);
    const off = data.map((value, i) => Math.abs(value - wanted[i]));
    assert.ok(Math.max(...off) <= 1, `${Math.max(...off)}`);
  });
}

for (const [name, found] of Object.entries(refused)) {
  test(`${name}.tif is refused by name: ${found}`, async () => {
    await assert.rejects(readPictureHeader(tiff(name), name, rules), {
      _tag: "PictureFault",
      found,
    });
  });
}

test("a rewritten picture keeps its orientation, a mask's stays for whoever decodes it", async () => {
  const spare = await sharp(rgbaTiff(16, 8, new Uint8Array(16 * 8 * 4).fill(9), null, 6))
    .metadata();
  assert.equal(spare.orientation, 6);
  const header = await readPictureHeader(tiff("two"), "two", rules);
  const rewritten = await readableBytes(tiff("two"), { ...header, orientation: 8 });
  const found = await sharp(rewritten).metadata();
  assert.deepEqual([found.orientation, found.channels, found.hasAlpha], [8, 4, true]);
});

test("a TIFF cut anywhere is some kind, never an error", () => {
  const whole = tiff("ycbcr_raw");
  for (let length = 0; length < 400; length += 7) {
    assert.equal(typeof tiffKind(whole.subarray(0, length)).ycbcr, "boolean");
  }
});
