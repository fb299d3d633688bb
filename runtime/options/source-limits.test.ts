// Configurations made to take for ever: small files whose aliases, keys or nesting cost the square of their
// size. A test that waits for such a square runs into its time limit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Schema } from "effect";
import { decodeAll, findingsOf, mostMisfits } from "./decode-source.ts";
import { parseSettings } from "./settings.ts";
import { parseSource } from "../../lib/source.ts";
import { wrongValueFix } from "../../lib/wrong-value-fix.ts";
import { withStandIns } from "./with-stand-ins.ts";

const timeout = 60_000;
const many = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("");

const bombs: readonly (readonly [string, string, RegExp])[] = [
  ["aliases", `a: &a 1\nb: [${"*a,".repeat(80_000)}]`, /more values/],
  [
    "aliases of aliases",
    many(20, (i) => i === 0 ? "a0: &a0 [1,1]\n" : `a${i}: &a${i} [*a${i - 1},*a${i - 1}]\n`),
    /more values/,
  ],
  ["an alias of itself", "a: &a [*a]", /deeper nesting/],
  ["keys", many(25_000, (i) => `k${i}: 1\n`), /more values/],
  ["brackets", "[".repeat(20_000), /deeper nesting/],
  ["blocks", many(600, (i) => `${" ".repeat(i)}a:\n`), /deeper nesting/],
  ["tags", "- !x 1\n".repeat(30_000), /a tag/],
];

for (const [name, text, found] of bombs) {
  test(`${name}: refused, and the limit named`, { timeout }, () => {
    const { findings } = parseSource(text, "x.yaml");
    assert.ok(findings.length > 0 && findings.length <= 60, `${findings.length}`);
    assert.ok(findings.some((each) => found.test(each.found)), findings[0].found);
  });
}

test("an alias is what its name meant where it stands, also inside a copy", () => {
  const text = "x: &a 1\ny: &b [&a 2, *a]\nz: &a 3\nw: *b\nv: *a\nlist: [*a, *b]\n";
  assert.deepEqual(parseSource(text, "x.yaml").value, {
    x: 1,
    y: [2, 2],
    z: 3,
    w: [2, 2],
    v: 3,
    list: [3, [2, 2]],
  });
});

test(
  "of thousands of unknown keys the first are named, and how many more there are",
  { timeout },
  () => {
    const schema = Schema.Struct({ known: Schema.optionalKey(Schema.Int) });
    const source = parseSource(many(15_000, (i) => `${i}k: 1\n`), "x.yaml");
    const { misfits } = decodeAll(schema, source.value);
    assert.equal(withStandIns(schema, source.value, misfits), undefined);
    const findings = findingsOf(misfits, schema, source);
    assert.equal(findings.length, mostMisfits + 1);
    assert.match(findings.at(-1)!.found, new RegExp(`^${15_000 - mostMisfits} more`));
  },
);

test("a key of thirty thousand parts, and a value that is no text where words are wanted", () => {
  const { findings } = parseSettings([`${"a.".repeat(30_000)}b=1`]);
  assert.match(findings[0].wanted, /at most 32 parts/);
  const schema = Schema.Struct({ word: Schema.Literals(["one", "two"]) });
  const source = parseSettings(["word=[{toString: 1}]"]);
  const { misfits } = decodeAll(schema, source.value);
  assert.match(findingsOf(misfits, schema, source)[0].found, /toString/);
  for (const found of [{ toString: 1 }, [{ toString: 1 }], null, true, 7]) {
    for (const wanted of ["a text", "one of auto, cuda, or null", "a list of 2, each an integer"]) {
      assert.ok(wrongValueFix(found, wanted, undefined).length > 0);
    }
  }
});
