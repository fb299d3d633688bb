// What counts as measured on the same, option by option: what is measured and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type MeasuredOn, measuredOn } from "./measured-on.ts";
import { measuredManifest as manifest } from "./testing/measured-manifest.ts";

const [train] = manifest.inputs.ingest;
const eight = {
  sources: Array.from({ length: 8 }, (_, i) => [`${i}.jpg`, null]),
  digests: Array.from({ length: 8 }, (_, i) => `${i}`.repeat(64)),
};
const apart = {
  sources: [["a.jpg", "a photo of a gnome at the beach"]],
  digests: ["9".repeat(64)],
};

const changed = (configuration: object, inputs: object = {}) => ({
  ...manifest,
  configuration: { ...manifest.configuration, ...configuration },
  inputs: { ...manifest.inputs, ...inputs },
});
const loader = (options: object) =>
  changed({ data_loader: { ...manifest.configuration.data_loader, ...options } });
const heldOut = (configuration: object = {}) => changed(configuration, { ingest: [train, apart] });

/** In what they differ. */
function differing(a: unknown, b: unknown): readonly string[] {
  const [inA, inB] = [measuredOn(a), measuredOn(b)];
  assert.ok(inA !== null && inB !== null);
  return (Object.keys(inA) as (keyof MeasuredOn)[]).filter((key) => inA[key] !== inB[key]);
}

test("what is measured is told apart", () => {
  const others: Readonly<Record<string, readonly [unknown, readonly string[]]>> = {
    "another seed": [{ ...manifest, seed: 2 }, ["seed"]],
    "other timesteps": [changed({ fixed_loss_timesteps: [1, 2] }), ["timesteps"]],
    "every picture at each": [changed({ fixed_loss_layout: "all" }), ["timesteps"]],
    "another picture": [
      changed({}, { ingest: [{ ...train, digests: ["5", ...train.digests.slice(1)] }] }),
      ["pictures"],
    ],
    "another order": [
      changed({}, { ingest: [{ ...train, digests: train.digests.toReversed() }] }),
      ["pictures"],
    ],
    "held-out pictures": [heldOut(), ["timesteps", "pictures", "captions"]],
    "other templates": [loader({ caption_preset: "style" }), ["captions"]],
    "another size": [loader({ resolution: 768 }), ["size"]],
    "another crop": [loader({ center_crop: false }), ["size"]],
    "another pooling": [changed({ pooling: "mixed" }), ["pooling"]],
    "another model": [
      changed({}, {
        "optimise-embeddings": {
          ...manifest.inputs["optimise-embeddings"],
          model: { ...manifest.inputs["optimise-embeddings"].model, weights: ["b".repeat(64)] },
        },
      }),
      ["model"],
    ],
  };
  for (const [name, [other, expected]] of Object.entries(others)) {
    assert.deepEqual(differing(manifest, other), expected, name);
  }
});

test("what only the training has to do with does not count", () => {
  for (
    const other of [
      changed({ optimizer: { learning_rate: 0.5 }, num_vectors: 9, train_batch_size: 8 }),
      changed({ fixed_loss_every: 5, max_train_steps: 9 }),
      // Of fewer than eight pictures none is set aside.
      changed({ fixed_loss_holdout: 2 }),
      // The same, written out.
      changed({ fixed_loss_timesteps: [125, 375, 625, 875], pooling: "argmax" }),
      loader({ random_flip: true, shuffle_caption_delimiter: "," }),
    ]
  ) assert.deepEqual(differing(manifest, other), []);
  // Pictures that are trained on, where others are measured.
  assert.deepEqual(
    differing(heldOut(), changed({}, { ingest: [eight, apart] })),
    [],
  );
});

test("the placeholder is the one thing in a caption that may be called otherwise", () => {
  const renamed = { placeholder_token: "sam", initializer_token: "dwarf" };
  assert.deepEqual(differing(manifest, changed(renamed)), []);
  // "gnome" is the placeholder's place for the one; the other leaves it a gnome.
  assert.deepEqual(differing(heldOut(), heldOut(renamed)), ["captions"]);
  assert.deepEqual(differing(heldOut(), heldOut({ ...renamed, fixed_loss_word: "gnome" })), []);
});

test("pictures that are set aside are as many as the option says, where there are eight", () => {
  const aside = (holdout: number) => changed({ fixed_loss_holdout: holdout }, { ingest: [eight] });
  assert.deepEqual(differing(aside(2), aside(3)), ["pictures"]);
  assert.match(measuredOn(aside(2))!.pictures, /^2 of 8 \(/);
  assert.match(measuredOn(aside(2))!.timesteps, /^200, 500, 800 of every picture$/);
});

test("a manifest that does not say what was measured says nothing", () => {
  for (
    const other of [undefined, null, {}, { ...manifest, inputs: {} }, changed({}, { ingest: 3 })]
  ) {
    assert.equal(measuredOn(other), null);
  }
});

test("no name and no folder of the user's is in it", () => {
  const words = JSON.stringify(measuredOn(heldOut()));
  assert.doesNotMatch(words, /jpg|beach|bruce|gnome/);
});
