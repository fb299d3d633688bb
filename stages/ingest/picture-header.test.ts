import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { readPictureHeader } from "./picture-header.ts";

const rules = { maxPixels: 150e6, upright: true };
const blank = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "teal" } }).png().toBuffer();
const text = (characters: string) => new TextEncoder().encode(characters);

test("what is no picture is named, whatever its ending", async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"/>';
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(), /an empty file/],
    [text("not a picture at all"), /no picture format/],
    [text(svg), /format svg/],
  ];
  for (const [bytes, found] of cases) {
    await assert.rejects(readPictureHeader(bytes, "dir/001.png", rules), {
      _tag: "PictureFault",
      file: "dir/001.png",
      found,
      fix: /skip_bad_images/,
    });
  }
});

test("a 200-megapixel picture is refused from its header, with the limit named", async () => {
  const bytes = await blank(8, 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(16, 20_000); // IHDR: width, height; its checksum is not asked for a header
  view.setUint32(20, 10_000);
  await assert.rejects(readPictureHeader(bytes, "big.png", rules), {
    wanted: /150 megapixels .*max_pixels/,
    found: /20000x10000, 200 megapixels/,
  });
});

test("the limit itself is allowed, one pixel more is not", async () => {
  const bytes = await blank(20, 10);
  const { size } = await readPictureHeader(bytes, "a.png", { ...rules, maxPixels: 200 });
  assert.deepEqual(size, [10, 20]);
  await assert.rejects(readPictureHeader(bytes, "a.png", { ...rules, maxPixels: 199 }));
});

test("a one-pixel picture is refused", async () => {
  await assert.rejects(readPictureHeader(await blank(1, 1), "dot.png", rules), {
    wanted: /at least 8x8/,
    found: "1x1",
  });
  await assert.rejects(readPictureHeader(await blank(100, 7), "thin.png", rules));
  assert.deepEqual((await readPictureHeader(await blank(8, 8), "ok.png", rules)).size, [8, 8]);
});

test("an animated PNG is counted, as other animations are", async () => {
  const still = await blank(8, 8);
  assert.equal((await readPictureHeader(still, "a.png", rules)).frames, 1);
  const control = Buffer.alloc(20);
  control.writeUInt32BE(8, 0);
  control.write("acTL", 4);
  control.writeUInt32BE(3, 8);
  control.writeUInt32BE(crc32(control.subarray(4, 16)), 16);
  const ihdr = 8 + 25;
  const moving = Buffer.concat([still.subarray(0, ihdr), control, still.subarray(ihdr)]);
  assert.equal((await readPictureHeader(moving, "a.png", rules)).frames, 3);
});
