// Tiles against the whole: exactly equal where an operation is local, close where the VAE's normalisation
// and attention look further than a tile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { Device } from "../device/device.ts";
import type { Tensor } from "../device/messages.ts";
import { sizeOf } from "../graph/graph.ts";
import { decodeGraph, encodeGraph } from "../networks/graphs.ts";
import { normals } from "../random/draw.ts";
import { openModel } from "../weights/model.ts";
import { inTiles, tileStarts } from "./vae-tiles.ts";

const random = (dims: readonly number[]): Tensor => ({
  type: "float32",
  dims,
  data: Float32Array.from(normals({ seed: 2, purpose: "tiles", step: 0, item: 0 }, sizeOf(dims))),
});

/** The mean of each 4 x 4 block: local, and 4 times smaller. */
function shrink({ dims: [batch, channels, height, width], data }: Tensor): Tensor {
  const dims = [batch, channels, height / 4, width / 4];
  const out = new Float32Array(sizeOf(dims));
  for (let i = 0; i < data.length; i++) {
    const [y, x] = [Math.floor(i / width) % height, i % width];
    const plane = Math.floor(i / (height * width));
    out[(plane * dims[2] + Math.floor(y / 4)) * dims[3] + Math.floor(x / 4)] += data[i] / 16;
  }
  return { type: "float32", dims, data: out };
}

/** Each element four times four. */
function grow({ dims: [batch, channels, height, width], data }: Tensor): Tensor {
  const dims = [batch, channels, 4 * height, 4 * width];
  const out = new Float32Array(sizeOf(dims));
  for (let i = 0; i < out.length; i++) {
    const [y, x] = [Math.floor(i / dims[3]) % dims[2], i % dims[3]];
    const plane = Math.floor(i / (dims[2] * dims[3]));
    out[i] = data[(plane * height + Math.floor(y / 4)) * width + Math.floor(x / 4)];
  }
  return { type: "float32", dims, data: out };
}

const close = (found: Tensor, wanted: Tensor, tolerance: number) => {
  assert.deepEqual(found.dims, wanted.dims);
  const square = (values: Iterable<number>) => [...values].reduce((sum, v) => sum + v * v, 0);
  const error = square(found.data.map((value, i) => value - wanted.data[i]));
  const relative = Math.sqrt(error / square(wanted.data));
  assert.ok(relative < tolerance, `relative error ${relative}`);
};

test("local operations come out of tiles as of the whole, larger and smaller", async () => {
  for (const [height, width] of [[5, 11], [8, 8], [20, 3]]) {
    const pixels = random([2, 3, 4 * height, 4 * width]);
    const down = { input: 4, output: 1, side: 6, overlap: 2 };
    close(
      await inTiles(pixels, down, (tile) => Promise.resolve(shrink(tile))),
      shrink(pixels),
      1e-6,
    );
    const latents = random([1, 4, height, width]);
    const up = { input: 1, output: 4, side: 6, overlap: 2 };
    close(await inTiles(latents, up, (tile) => Promise.resolve(grow(tile))), grow(latents), 1e-6);
  }
});

test("tiles lie within the axis, cover it and share at least the overlap", () => {
  const side = fc.integer({ min: 3, max: 20 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), side, (length, side) => {
    const overlap = Math.floor(side / 4);
    const starts = tileStarts(length, side, overlap);
    assert.equal(starts[0], 0);
    assert.ok(starts.at(-1)! + side === length || length < side);
    starts.slice(1).forEach((start, i) => assert.ok(start <= starts[i] + side - overlap));
    starts.slice(1).forEach((start, i) => assert.ok(start > starts[i]));
  }));
});

test("the golden VAE in tiles stays close to the VAE of the whole picture", async () => {
  const golden = fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url));
  const model = await openModel(golden);
  const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
  const tiling = { side: 24, overlap: 12 };
  const latents = random([1, 4, 36, 28]);
  const sessions = new Map<string, ReturnType<Device["load"]>>();
  const decode = async (part: Tensor): Promise<Tensor> => {
    const [batch, , height, width] = part.dims;
    const key = `${height} ${width}`;
    const size = { batch, height, width };
    if (!sessions.has(key)) sessions.set(key, device.load(decodeGraph(model, size, "float32")));
    return (await (await sessions.get(key)!).run({ latents: part })).pixels;
  };
  const whole = await decode(latents);
  close(await inTiles(latents, { input: 1, output: 8, ...tiling }, decode), whole, 0.1);
  const encode = async (pixels: Tensor): Promise<Tensor> => {
    const [batch, , height, width] = pixels.dims;
    const session = await device.load(encodeGraph(model, { batch, height, width }, "float32"));
    return (await session.run({ pixels })).moments;
  };
  close(await inTiles(whole, { input: 8, output: 1, ...tiling }, encode), await encode(whole), 0.1);
  await device.close();
});
