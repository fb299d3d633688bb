import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, digestJson } from "./canonical-json.ts";

const shuffled = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shuffled)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(
      Object.entries(value).reverse().map(([key, item]) => [key, shuffled(item)]),
    )
    : value;

test("reads back as the same value and does not depend on the order of keys", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
    const text = canonicalJson(value);
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    assert.equal(canonicalJson(shuffled(value)), text);
  }));
});

test("the text is the one of RFC 8785 for its own example of numbers and keys", () => {
  const value = {
    numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27],
    "\u20ac": 1,
    "\r": 2,
    "1": 3,
  };
  assert.equal(
    canonicalJson(value),
    '{"\\r":2,"1":3,"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"\u20ac":1}',
  );
});

test("the digest is SHA-256 of that text", () => {
  const wanted = createHash("sha256").update('{"a":[1,null],"b":"\u00e9"}', "utf8").digest("hex");
  assert.equal(digestJson({ b: "\u00e9", a: [1, null], c: undefined }), wanted);
});

test("what is not JSON is refused by the name of its key", () => {
  for (const value of [NaN, Infinity, 1n, () => 1, new Map(), undefined]) {
    assert.throws(
      () => canonicalJson({ a: [{ b: value ?? NaN }] }),
      (error: Error) => error.message.includes(".a[0].b"),
    );
  }
});
