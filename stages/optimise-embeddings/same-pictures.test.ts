import assert from "node:assert/strict";
import { test } from "node:test";
import type { Latents } from "../../inversion/artefacts/latents.ts";
import type { TokenIds } from "../../inversion/artefacts/token-ids.ts";
import { checkSamePictures } from "./same-pictures.ts";

const pictures = (names: string) => [...names].map((id) => ({ id }));
const check = (of: string, captions: string, held = "", captionsOfHeld = held) =>
  checkSamePictures(
    { train: pictures(of), heldOut: pictures(held) } as unknown as Latents,
    { train: pictures(captions), heldOut: pictures(captionsOfHeld) } as unknown as TokenIds,
  );

test("captions of other pictures, or of the same in another order, are no pairs", () => {
  check("abc", "abc", "x");
  check("aa", "aa");
  assert.throws(() => check("abc", "acb"), /train\.1: wanted captions of b.* found those of c/);
  assert.throws(() => check("abc", "bc"), /train\.0: wanted captions of a.* found those of b/);
  assert.throws(() => check("abc", "ab"), /train\.2: wanted captions of c.* found none/);
  assert.throws(() => check("ab", "abc"), /train\.2: .*no further picture.* found those of c/);
  assert.throws(() => check("a", "a", "xy", "x"), /heldOut\.1: .*found none/);
});
