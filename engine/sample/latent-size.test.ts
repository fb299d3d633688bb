import assert from "node:assert/strict";
import { test } from "node:test";
import { latentSize } from "./latent-size.ts";

const vae = (levels: number) => ({ block_out_channels: Array<number>(levels).fill(8) });

test("SDXL's four levels take eight pixels to a latent, other VAEs 2^(levels - 1)", () => {
  assert.deepEqual(latentSize(vae(4), 1024, 832), { height: 128, width: 104 });
  assert.deepEqual(latentSize(vae(3), 40, 24), { height: 10, width: 6 });
  assert.deepEqual(latentSize(vae(1), 5, 7), { height: 5, width: 7 });
});

test("other sizes are refused with the nearest that fits", () => {
  const refused = (levels: number, height: number, width: number, fix: RegExp) =>
    assert.throws(() => latentSize(vae(levels), height, width), {
      _tag: "LatentSizeFault",
      kind: "user",
      fix,
    });
  refused(4, 1020, 512, /height 1024, width 512/);
  refused(5, 1032, 8, /height 1040, width 16/);
  refused(4, 3, 0, /height 8, width 8/);
  refused(4, 512.5, 512, /height 512, width 512/);
});
