// What the VAE makes of a picture's pixels is what PyTorch makes of them; a view is encoded once.
// The trap: the golden picture's values are rounded to 8 bits here, so agreement is to hundredths.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect, Schema } from "effect";
import { relativeError } from "../../engine/probe/compare.ts";
import type { Example, View } from "../../inversion/artefacts/examples.ts";
import { isEncoded, Latents } from "../../inversion/artefacts/latents.ts";
import { pictureOrder } from "../../inversion/picture-order.ts";
import { type MemoryTools, memoryTools } from "../../runtime/testing/memory-tools.ts";
import { goldenCase } from "../../tests/golden-values/golden-case.ts";
import { encodeLatents } from "./stage.ts";

const model = fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url));
const { inputs, expected } = await goldenCase("a");
const [mean, logvar] = [expected("vae_mean"), expected("vae_logvar")];
const size = [64, 96] as const;

/** The golden picture as uint8 [height, width, 3]. */
function goldenPixels(): Uint8Array {
  const planar = inputs("image");
  const area = size[0] * size[1];
  assert.equal(planar.length, 3 * area);
  return Uint8Array.from(
    { length: 3 * area },
    (_, i) => Math.round((planar[i % 3 * area + Math.floor(i / 3)] + 1) * 127.5),
  );
}

async function viewOf(tools: MemoryTools, pixels: Uint8Array, mask?: Uint8Array): Promise<View> {
  return {
    size,
    original_size: [640, 960],
    crop_top_left: [1, 2],
    target_size: size,
    crop: 0,
    flipped: false,
    pixels: await Effect.runPromise(tools.put(pixels)),
    mask: mask === undefined ? null : await Effect.runPromise(tools.put(mask)),
  };
}

const exampleOf = (views: readonly View[]): Example => ({
  id: "one.png",
  digest: "",
  original_size: [640, 960],
  caption: null,
  views,
});

const options = Schema.decodeUnknownSync(encodeLatents.options)({
  model,
  provider: "cpu",
  threads: 1,
  weight_dtype: "float32",
});

async function run(tools: MemoryTools, views: readonly View[]): Promise<Latents> {
  const examples = { train: [exampleOf(views)], heldOut: [] };
  const writers = { latents: () => Effect.void };
  const { latents } = await Effect.runPromise(
    encodeLatents.run({ options, inputs: { examples }, writers, tools }),
  );
  return Schema.decodeUnknownSync(Latents)(JSON.parse(JSON.stringify(latents)));
}

const floatsOf = (tools: MemoryTools, { digest }: { readonly digest: string }) =>
  new Float32Array(tools.blobs.get(digest)!.slice().buffer);

test("mean and log-variance are PyTorch's, with the view's own numbers beside them", async () => {
  const tools = memoryTools();
  const latents = await run(tools, [await viewOf(tools, goldenPixels())]);
  assert.equal(latents.channels, 4);
  const [{ posterior, mask, size: latentSize, ...told }] = latents.train[0].views;
  assert.deepEqual([latentSize, mask], [[8, 12], null]);
  assert.deepEqual(told, {
    original_size: [640, 960],
    crop_top_left: [1, 2],
    target_size: [64, 96],
    flipped: false,
  });
  const both = floatsOf(tools, posterior);
  const errors = [
    relativeError(both.subarray(0, mean.length), mean),
    relativeError(both.subarray(mean.length), logvar),
  ];
  assert.ok(errors.every((error) => error < 0.03), `${errors}`);
});

test("each view once: the same pixels are not encoded again, others are", async () => {
  const tools = memoryTools();
  const pixels = goldenPixels();
  const view = await viewOf(tools, pixels);
  const first = await run(tools, [view, view]);
  assert.equal(tools.made.length, 1);
  assert.deepEqual(await run(tools, [view, view]), first);
  assert.equal(tools.made.length, 1);
  await run(tools, [await viewOf(tools, pixels.toReversed())]);
  assert.equal(tools.made.length, 2);
});

test("what the first epoch takes first is encoded first, and shown with what is known of the rest", async () => {
  const tools = memoryTools();
  const pixels = goldenPixels();
  const train = await Promise.all([0, 1, 2, 3, 4].map(async (i) => ({
    ...exampleOf([await viewOf(tools, pixels.map((value) => value ^ i))]),
    id: `${i}`,
  })));
  const drafts: Latents[] = [];
  const { latents } = await Effect.runPromise(encodeLatents.run({
    options,
    inputs: { examples: { train, heldOut: [] } },
    writers: { latents: (draft) => Effect.sync(() => void drafts.push(draft)) },
    tools,
  }));
  const there = drafts.map(({ train }) => train.flatMap((each, i) => isEncoded(each) ? i : []));
  const order = pictureOrder({ seed: tools.seed, epoch: 0, group: 0 }, 5);
  assert.notDeepEqual(order, [0, 1, 2, 3, 4]);
  assert.deepEqual(there, [0, 1, 2, 3, 4, 5].map((n) => order.slice(0, n).toSorted()));
  const known = ({ train }: Latents) => train.map(({ id, views }) => [id, views[0].size]);
  assert.deepEqual(drafts.map(known), drafts.map(() => known(latents)));
  assert.deepEqual(drafts.at(-1), latents);
});

test("a mask comes down to the size of the latents", async () => {
  const tools = memoryTools();
  const left = Uint8Array.from({ length: 64 * 96 }, (_, i) => i % 96 < 48 ? 255 : 0);
  const { train } = await run(tools, [await viewOf(tools, goldenPixels(), left)]);
  const mask = floatsOf(tools, train[0].views[0].mask!);
  assert.deepEqual([...mask], Array.from({ length: 96 }, (_, i) => i % 12 < 6 ? 1 : 0));
});

test("a white spot that is gone at the size of the latents is refused before anything is encoded", async () => {
  const tools = memoryTools();
  const spot = Uint8Array.from(
    { length: 64 * 96 },
    (_, i) => i % 96 === 50 && i > 96 * 33 ? 255 : 0,
  );
  const view = await viewOf(tools, goldenPixels(), spot);
  await assert.rejects(run(tools, [view]), { _tag: "NoWeightFault", key: "use_masks" });
  assert.equal(tools.made.length, 0);
});
