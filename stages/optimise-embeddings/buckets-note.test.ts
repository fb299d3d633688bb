// What is said of the buckets, with sizes that the pictures of a folder had.
import assert from "node:assert/strict";
import { test } from "node:test";
import { notYet } from "../../inversion/artefacts/latents.ts";
import { bucketsNote } from "./buckets-note.ts";

const picture = (id: string, size: readonly [height: number, width: number]) => ({
  id,
  views: [{
    size,
    original_size: [99, 99],
    crop_top_left: [0, 0],
    target_size: [1024, 1024],
    flipped: false,
    posterior: notYet,
    mask: null,
  }] as const,
});

test("pictures are counted by their size in pixels, under the model's own VAE", () => {
  const pictures = [picture("1", [7, 9]), picture("2", [5, 12]), picture("3", [7, 9])];
  assert.equal(
    bucketsNote(pictures, { block_out_channels: [4, 4, 4, 4] }),
    "Aspect buckets (width x height): 72x56: 2, 96x40: 1.",
  );
  assert.match(bucketsNote(pictures, { block_out_channels: [4, 4] }), /: 18x14: 2, 24x10: 1\.$/);
});
