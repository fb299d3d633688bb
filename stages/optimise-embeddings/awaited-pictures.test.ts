// A picture is had as soon as a draft has it, the rest with the whole; without room all of it is waited for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Deferred, Effect, Fiber, Stream, SubscriptionRef } from "effect";
import type { LatentExample, Latents } from "../../inversion/artefacts/latents.ts";
import { Skipped } from "../../runtime/execute/slots.ts";
import { awaitPictures } from "./awaited-pictures.ts";

const example = (id: string, bytes: number): LatentExample => ({
  id,
  views: [{
    size: [8, 8],
    original_size: [64, 64],
    crop_top_left: [0, 0],
    target_size: [64, 64],
    flipped: false,
    posterior: { digest: `${id} ${bytes}`, bytes },
    mask: null,
  }],
});
const value = (...bytes: number[]): Latents => ({
  channels: 4,
  train: bytes.map((each, i) => example(`${i}`, each)),
  heldOut: [],
});
const lost = new Skipped({ wanted: "latents", found: "nothing", fix: "See above." });

const latents = Effect.gen(function* () {
  const drafts = yield* SubscriptionRef.make<Latents | undefined>(undefined);
  const whole = yield* Deferred.make<Latents, Skipped>();
  const shown = Stream.filter(SubscriptionRef.changes(drafts), (draft) => draft !== undefined);
  const drafted = { drafts: shown, whole: Deferred.await(whole) };
  return { drafted, whole, show: (draft: Latents) => SubscriptionRef.set(drafts, draft) };
});

test("early: each picture as soon as it is encoded, and no other one is waited for", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { drafted, whole, show } = yield* latents;
    yield* show(value(0, 0, 0));
    const pictures = yield* awaitPictures(drafted, true);
    assert.equal(pictures.outline.train.length, 3);
    const [first, last] = [
      yield* Effect.forkChild(pictures.trained(1)),
      yield* Effect.forkChild(pictures.trained(2)),
    ];
    yield* show(value(0, 5, 0));
    assert.deepEqual(yield* Fiber.join(first), example("1", 5));
    assert.deepEqual(yield* pictures.trained(1), example("1", 5));
    assert.equal(last.pollUnsafe(), undefined, "it is not encoded yet");
    yield* Deferred.succeed(whole, value(4, 5, 6));
    assert.deepEqual(yield* Fiber.join(last), example("2", 6));
    assert.deepEqual(yield* pictures.whole, value(4, 5, 6));
  }))));

test("early: what ends before all are encoded ends who waits for one", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { drafted, whole, show } = yield* latents;
    yield* show(value(3, 0));
    const pictures = yield* awaitPictures(drafted, true);
    yield* Deferred.fail(whole, lost);
    assert.equal(yield* Effect.flip(pictures.trained(1)), lost);
  }))));

test("a result that was there already comes without a draft", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { drafted, whole } = yield* latents;
    yield* Deferred.succeed(whole, value(3));
    const pictures = yield* awaitPictures(drafted, true);
    assert.deepEqual(yield* pictures.trained(0), example("0", 3));
  }))));

test("without room all are waited for, however many drafts there are", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { drafted, whole, show } = yield* latents;
    yield* show(value(3));
    const waiting = yield* Effect.forkChild(awaitPictures(drafted, false));
    yield* Effect.yieldNow;
    assert.equal(waiting.pollUnsafe(), undefined);
    yield* Deferred.succeed(whole, value(4));
    assert.deepEqual((yield* Fiber.join(waiting)).outline, value(4));
  }))));
