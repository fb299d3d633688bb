import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import sharp, { type Sharp } from "sharp";
import { decodePicture } from "./decode-picture.ts";
import { readPictureHeader } from "./picture-header.ts";
import type { Pixels } from "./resample.ts";

type Colour = readonly [number, number, number];

// Three blocks beside each other, two above each other, 8 pixels each: no turn maps it to itself.
const palette: readonly Colour[] = [
  [250, 20, 20],
  [20, 220, 30],
  [30, 60, 200],
  [240, 230, 40],
  [128, 128, 128],
  [20, 20, 20],
];
const width = 24;
const height = 16;
const colourAt = (x: number, y: number): Colour =>
  palette[Math.floor(y / 8) * 3 + Math.floor(x / 8)];

/** A picture whose pixel (x, y) is `colour(x, y)`. */
const drawn = (width: number, height: number, colour: (x: number, y: number) => Colour): Sharp =>
  sharp(
    Uint8Array.from(
      { length: width * height * 3 },
      (_, i) => colour(Math.floor(i / 3) % width, Math.floor(i / 3 / width))[i % 3],
    ),
    { raw: { width, height, channels: 3 } },
  );
const blocks = drawn(width, height, colourAt);
const lossless = { quality: 100, chromaSubsampling: "4:4:4" } as const;

async function decoded(bytes: Uint8Array, upright = true): Promise<Pixels> {
  const header = await readPictureHeader(bytes, "picture", { maxPixels: 1e8, upright });
  const pixels = await decodePicture(bytes, header, "picture");
  assert.deepEqual([pixels.height, pixels.width], [...header.size]);
  assert.equal(pixels.data.length, pixels.width * pixels.height * 3);
  return pixels;
}

/** The middle of each block has the wanted colour, give or take `tolerance`. */
function assertBlocks(pixels: Pixels, wanted: readonly Colour[], tolerance: number): void {
  assert.deepEqual([pixels.width, pixels.height], [width, height]);
  wanted.forEach((colour, block) => {
    const at = (Math.floor(block / 3) * 8 + 4) * width + (block % 3) * 8 + 4;
    const found = [...pixels.data.subarray(3 * at, 3 * at + 3)];
    const off = Math.max(...found.map((value, c) => Math.abs(value - colour[c])));
    assert.ok(off <= tolerance, `block ${block}: ${found} for ${colour}`);
  });
}

test("every format gives the picture", async () => {
  const files: [string, Promise<Uint8Array>, number][] = [
    ["jpeg", blocks.clone().jpeg(lossless).toBuffer(), 4],
    ["png", blocks.clone().png().toBuffer(), 0],
    ["palette png", blocks.clone().png({ palette: true }).toBuffer(), 4],
    ["webp", blocks.clone().webp({ lossless: true }).toBuffer(), 0],
    ["avif", blocks.clone().avif({ lossless: true, effort: 0 }).toBuffer(), 2],
    ["tiff", blocks.clone().tiff({ compression: "lzw" }).toBuffer(), 0],
    ["gif", blocks.clone().gif().toBuffer(), 4],
  ];
  for (const [, bytes, tolerance] of files) {
    assertBlocks(await decoded(await bytes), palette, tolerance);
  }
});

/** From the EXIF standard: which side of the scene the stored first row and first column are. */
const storedAt: readonly ((x: number, y: number) => Colour)[] = [
  (x, y) => colourAt(x, y), // 1: top, left
  (x, y) => colourAt(width - 1 - x, y), // 2: top, right
  (x, y) => colourAt(width - 1 - x, height - 1 - y), // 3: bottom, right
  (x, y) => colourAt(x, height - 1 - y), // 4: bottom, left
  (x, y) => colourAt(y, x), // 5: left, top
  (x, y) => colourAt(width - 1 - y, x), // 6: right, top
  (x, y) => colourAt(width - 1 - y, height - 1 - x), // 7: right, bottom
  (x, y) => colourAt(y, height - 1 - x), // 8: left, bottom
];

test("each of the eight EXIF orientations comes out upright", async () => {
  for (const [i, colour] of storedAt.entries()) {
    const side = i < 4 ? [width, height] : [height, width];
    const stored = drawn(side[0], side[1], colour).withMetadata({ orientation: i + 1 });
    assertBlocks(await decoded(await stored.clone().jpeg(lossless).toBuffer()), palette, 4);
    assertBlocks(
      await decoded(await stored.clone().webp({ lossless: true }).toBuffer()),
      palette,
      0,
    );
    const asStored = await decoded(
      await stored.clone().tiff({ compression: "lzw" }).toBuffer(),
      false,
    );
    assert.deepEqual([asStored.width, asStored.height], side);
    assert.deepEqual([...asStored.data.subarray(0, 3)], [...colour(0, 0)]);
  }
});

test("16 bits a channel become 8, grey becomes three channels", async () => {
  const deep = Uint16Array.from({ length: 16 * 16 * 3 }, (_, i) => [0x1234, 0x80ff, 0xfe01][i % 3]);
  const png = await sharp(deep, { raw: { width: 16, height: 16, channels: 3 } })
    .toColourspace("rgb16").png().toBuffer();
  assert.equal((await sharp(png).metadata()).depth, "ushort");
  assert.deepEqual([...(await decoded(png)).data.subarray(0, 3)], [0x12, 0x80, 0xfe]);
  const grey = await sharp(new Uint8Array(256).fill(77), {
    raw: { width: 16, height: 16, channels: 1 },
  }).toColourspace("b-w").png().toBuffer();
  assert.equal((await sharp(grey).metadata()).channels, 1);
  assert.deepEqual([...(await decoded(grey)).data.subarray(0, 3)], [77, 77, 77]);
});

test("alpha is laid over white", async () => {
  const half = blocks.clone().ensureAlpha(0.5);
  const overWhite = palette.map((colour) => colour.map((v) => (v + 255) / 2) as unknown as Colour);
  assertBlocks(await decoded(await half.clone().png().toBuffer()), overWhite, 1);
  assertBlocks(
    await decoded(await half.clone().toColourspace("rgb16").png().toBuffer()),
    overWhite,
    1,
  );
  const clear = await sharp({
    create: { width: 16, height: 16, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } },
  }).gif().toBuffer();
  assert.deepEqual([...(await decoded(clear)).data.subarray(0, 3)], [255, 255, 255]);
});

// What LittleCMS makes of the palette read as Display P3 (Pillow's ImageCms, perceptual).
const fromP3: readonly Colour[] = [[255, 0, 0], [0, 224, 0], [17, 61, 208]];

test("an embedded profile is converted to sRGB", async () => {
  const { icc } = await sharp(
    fileOf("../../sample_data/bruce_the_gnome/001.jpg"),
  ).metadata();
  assert.ok(icc);
  const jpeg = await blocks.clone().jpeg(lossless).toBuffer();
  assertBlocks(await decoded(withProfile(jpeg, icc)), fromP3, 5);
});

test("CMYK comes out as the colours it was made from", async () => {
  const printable: readonly Colour[] = [[200, 180, 160], [90, 110, 120], [128, 128, 128]];
  const stripes = drawn(width, height, (x) => printable[Math.floor(x / 8)]);
  const cmyk = await stripes.toColourspace("cmyk").jpeg(lossless).toBuffer();
  assert.equal((await sharp(cmyk).metadata()).space, "cmyk");
  assertBlocks(await decoded(cmyk), printable, 20); // inverted it would be 70 and more
});

test("an iPhone's heic: pixels, profile, rotation", async () => {
  // display-p3.heic is 48x32, its first block (250,20,20), its last (20,220,30), in Display P3.
  const p3 = await decoded(fileOf("fixtures/display-p3.heic"));
  assert.deepEqual([p3.width, p3.height], [48, 32]);
  near(p3.data.subarray(0, 3), fromP3[0]);
  near(p3.data.subarray(-3), fromP3[1]);
  // quarter-turn.heic is the same in sRGB, to be turned by a quarter to the right.
  const turned = await decoded(fileOf("fixtures/quarter-turn.heic"));
  assert.deepEqual([turned.width, turned.height], [32, 48]);
  near(turned.data.subarray(3 * 31, 3 * 32), palette[0]);
});

test("of an animation the first frame", async () => {
  const second = await drawn(width, height, () => [0, 0, 0]).png().toBuffer();
  const animation = await sharp([await blocks.clone().png().toBuffer(), second], {
    join: { animated: true },
  }).gif().toBuffer();
  const header = await readPictureHeader(animation, "a.gif", { maxPixels: 1e8, upright: true });
  assert.equal(header.frames, 2);
  assertBlocks(await decoded(animation), palette, 4);
});

test("damaged pictures are named, and nothing is printed about them", async () => {
  const noise = drawn(64, 64, (x, y) => [x * y % 251, x * 7 % 256, (x + y) * 13 % 256]);
  const whole: Promise<Uint8Array>[] = [
    noise.clone().jpeg().toBuffer(),
    noise.clone().png().toBuffer(),
    noise.clone().webp().toBuffer(),
    noise.clone().avif({ effort: 0 }).toBuffer(),
    noise.clone().tiff().toBuffer(),
    noise.clone().gif().toBuffer(),
    Promise.resolve(fileOf("fixtures/display-p3.heic")),
  ];
  const { log } = console;
  const printed: unknown[] = [];
  console.log = (...said) => printed.push(said);
  try {
    for (const bytes of await Promise.all(whole)) {
      await assert.rejects(decoded(bytes.subarray(0, Math.floor(bytes.length * 0.7))), {
        _tag: "PictureFault",
        file: "picture",
        found: /damaged bytes|no picture format/,
      });
    }
  } finally {
    console.log = log;
  }
  assert.deepEqual(printed, []);
});

const fileOf = (path: string): Uint8Array => readFileSync(new URL(path, import.meta.url));

function near(found: Uint8Array, wanted: Colour): void {
  const off = Math.max(...[...found].map((value, c) => Math.abs(value - wanted[c])));
  assert.ok(off <= 3, `${found} for ${wanted}`);
}

/** A jpeg with an ICC profile in an APP2 segment after its first two bytes. */
function withProfile(jpeg: Uint8Array, icc: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode("ICC_PROFILE\0\x01\x01");
  const length = 2 + name.length + icc.length;
  const head = Uint8Array.of(0xff, 0xe2, length >> 8, length & 255);
  return Uint8Array.from([...jpeg.subarray(0, 2), ...head, ...name, ...icc, ...jpeg.subarray(2)]);
}
