import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { resample } from "./resample.ts";

const pillow: {
  readonly cases: readonly {
    readonly source: { width: number; height: number; channels: number; hex: string };
    readonly resized: { width: number; height: number; hex: string };
  }[];
} = JSON.parse(
  readFileSync(new URL("./fixtures/pillow-bilinear.json", import.meta.url), "utf8"),
);

test("the bytes of Pillow's BILINEAR, reducing, enlarging and both at once", () => {
  for (const { source: { hex, ...shape }, resized } of pillow.cases) {
    const picture = { ...shape, data: Buffer.from(hex, "hex") };
    const { width, height } = resized;
    const { data } = resample(picture, resized, { top: 0, left: 0, width, height });
    assert.equal(Buffer.from(data).toString("hex"), resized.hex);
  }
});

test("a window is what cropping the whole resized picture gives", () => {
  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(fc.property(sizes, sizes, fc.infiniteStream(fc.nat()), (from, to, numbers) => {
    const next = (below: number) => numbers.next().value % below;
    const data = Uint8Array.from({ length: from.width * from.height * 3 }, () => next(256));
    const [top, left] = [next(to.height), next(to.width)];
    const [height, width] = [1 + next(to.height - top), 1 + next(to.width - left)];
    const picture = { ...from, channels: 3, data };
    const whole = resample(picture, to, { top: 0, left: 0, ...to });
    const window = resample(picture, to, { top, left, height, width });
    for (let y = 0; y < height; y++) {
      const start = ((top + y) * to.width + left) * 3;
      assert.deepEqual(
        window.data.subarray(y * width * 3, (y + 1) * width * 3),
        whole.data.subarray(start, start + width * 3),
      );
    }
  }));
});

test("three channels together give what each gives alone", () => {
  const side = fc.integer({ min: 1, max: 16 });
  const sizes = fc.record({ width: side, height: side });
  const bytes = fc.uint8Array({ minLength: 16 * 16 * 3, maxLength: 16 * 16 * 3 });
  fc.assert(fc.property(sizes, sizes, bytes, (from, to, bytes) => {
    const area = from.width * from.height;
    const window = { top: 0, left: 0, ...to };
    const together = resample(
      { ...from, channels: 3, data: bytes.subarray(0, 3 * area) },
      to,
      window,
    );
    for (let c = 0; c < 3; c++) {
      const data = Uint8Array.from({ length: area }, (_, i) => bytes[3 * i + c]);
      const alone = resample({ ...from, channels: 1, data }, to, window);
      assert.deepEqual(together.data.filter((_, i) => i % 3 === c), alone.data);
    }
  }));
});
