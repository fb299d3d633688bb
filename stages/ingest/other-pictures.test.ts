import assert from "node:assert/strict";
import { test } from "node:test";
import { otherPictures } from "./other-pictures.ts";

const said = (...digests: (string | null)[]) => [{
  sources: digests.map((digest, i) => [`${i}.jpg`, digest]),
  digests,
}];

test("what differs between two data sets is said in words", () => {
  assert.equal(
    otherPictures(said("a", "b"), said("c", "d", "e", "f")),
    "2 other pictures, 2 more",
  );
  assert.equal(otherPictures(said("a", "b", "c"), said("a", "d")), "1 other picture, 1 fewer");
  assert.equal(otherPictures(said("a", "b", "c"), said("a")), "2 fewer");
  assert.equal(otherPictures(said("a", "b"), said("a", "b", "a")), "1 more", "the same one again");
  assert.equal(
    otherPictures(said("a", "b", "c", "d"), said("e", "f", "g", "h")),
    "4 other pictures",
  );
  assert.equal(otherPictures(said("a", "b"), said("a", "c")), "1 other picture");
  assert.match(otherPictures(said("a", "b"), said("b", "a")), /order/);
  assert.equal(otherPictures(null, said("a")), "other pictures");
  assert.equal(otherPictures(said("a"), { pictures: 3 }), "other pictures");
});
