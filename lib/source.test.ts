// Values against JSON.parse, lines against a search in the text, and texts that mean harm.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isMapping } from "./mapping.ts";
import { parseSource, placeOf, within } from "./source.ts";

test("any JSON comes back as JSON.parse reads it", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
    const text = JSON.stringify(value);
    const { value: read, findings } = parseSource(text, "f");
    assert.deepEqual(findings, []);
    assert.deepEqual(read, JSON.parse(text));
  }));
});

test("each key has the line where it stands", () => {
  const keys = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(keys, fc.nat(3), (names, gap) => {
    const text = names.map((name) => `${"\n".repeat(gap)}${name}:\n  in_${name}: 1\n`).join("");
    const source = parseSource(text, "f.yaml");
    const lines = text.split("\n");
    for (const name of names) {
      const inner = placeOf(source, `${name}.in_${name}`);
      assert.equal(inner.line, lines.indexOf(`  in_${name}: 1`) + 1);
      assert.equal(placeOf(within(source, name), `in_${name}`).line, inner.line);
      assert.equal(placeOf(source, name).line, inner.line! - 1);
    }
  }));
});

test("the YAML of the reference's files: True, 2e-3, quotes, null, lists", () => {
  const { value } = parseSource('a: True\nb: 2e-3\nc: "x"\nd: null\ne:\n  - p: q\nf: .5\n', "f");
  assert.deepEqual(value, { a: true, b: 0.002, c: "x", d: null, e: [{ p: "q" }], f: 0.5 });
});

test("an anchor is read where it is used", () => {
  const { value, findings } = parseSource("a: &x {k: [1, 2]}\nb: *x\n", "f");
  assert.deepEqual(value, { a: { k: [1, 2] }, b: { k: [1, 2] } });
  assert.deepEqual(findings, []);
});

test("a YAML bomb ends early with one finding", () => {
  const rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i <= 9; i++) {
    const again = Array(9).fill(`*a${i - 1}`).join(", ");
    rows.push(`a${i}: &a${i} [${again}]`);
  }
  const { findings } = parseSource(rows.join("\n"), "bomb.yaml");
  assert.equal(findings.length, 1);
  assert.match(findings[0].wanted, /at most 20000 values/);
});

test("a bomb of depth, a circle and 100 000 brackets end with a finding, not a crash", () => {
  for (const text of ["a: &a [*a]", "a: &a {b: *a}", "[".repeat(100_000), "a:".repeat(5000)]) {
    assert.ok(parseSource(text, "f").findings.length > 0, text.slice(0, 20));
  }
});

test("what is nested too deep, or never closed, is one finding with its line and the fix that helps", () => {
  const deep = parseSource(`b: 1\na: ${"[".repeat(40)}${"]".repeat(40)}`, "f").findings;
  assert.deepEqual(deep.map(({ line, found }) => [line, found]), [[2, "deeper nesting"]]);
  assert.match(deep[0].fix, /never closed/);
  const unfolding = parseSource("a: &a {b: *a}", "f").findings;
  assert.match(unfolding[0].fix, /anchors and aliases/);
  for (const open of ["[[[[[[", "a: [[1, 2\nb: 3\n"]) {
    assert.equal(parseSource(open, "f").findings.length, 1, open);
  }
  const two = parseSource("a: [1\nb: 2\nc: [1\nd: 3\n", "f").findings;
  assert.deepEqual(two.map(({ line }) => line), [2, 4], "two mistakes are two");
});

const broken: readonly [what: string, text: string, line: number, found: RegExp][] = [
  ["a key twice", "a: 1\nb: 2\na: 3\n", 3, /already/],
  ["an open bracket", "a: 1\nb: [1,\n", 3, /Flow sequence/],
  ["a tab", "a:\n\tb: 1\n", 2, /[Tt]ab/],
  ["a second document", "a: 1\n---\nb: 2\n", 2, /multiple documents/],
  ["a tag", "a: 1\nb: !!python/object:os.system rm\n", 2, /tag/],
  ["an alias without its anchor", "a: 1\nb: *nowhere\n", 2, /nowhere/],
  ["an open quote", 'a: "x\n', 2, /quote/],
];

for (const [what, text, line, found] of broken) {
  test(`${what} is found on its line`, () => {
    const { findings } = parseSource(text, "f.yaml");
    assert.equal(findings.length >= 1, true);
    assert.equal(findings[0].line, line);
    assert.equal(findings[0].file, "f.yaml");
    assert.match(findings[0].found, found);
  });
}

test("a key named __proto__ is a key like any other", () => {
  const { value } = parseSource("__proto__: {polluted: 1}\n", "f");
  assert.ok(isMapping(value) && Object.hasOwn(value, "__proto__"));
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("merge keys are read as PyYAML does: own keys over merged ones, earlier over later", () => {
  const text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n" +
    "one:\n  y: 3\n  <<: *a\nboth:\n  <<: [*a, *b]\n  z: 3\nquoted: {'<<': 1}\n";
  const { value, findings, places } = parseSource(text, "f");
  assert.deepEqual(findings, []);
  const { one, both, quoted } = value as Record<string, unknown>;
  assert.deepEqual(one, { x: 1, y: 3 });
  assert.deepEqual(both, { x: 1, y: 1, z: 3 });
  assert.deepEqual(quoted, { "<<": 1 });
  assert.equal(places.get("one.y")!.line, 4);
  assert.equal(parseSource("a: {<<: 1}", "f").findings[0].wanted, "mappings to merge");
});

test("a Windows path between double quotes is said, whether its escapes are valid or not", () => {
  for (const text of ['a: "C:\\Users\\me"', 'a: "C:\\new\\pictures"', '{"a": "d:\\tmp"}']) {
    const { findings: [{ fix, line }] } = parseSource(text, "f");
    assert.match(fix, /in single quotes/);
    assert.equal(line, 1);
  }
  for (const text of ["a: 'C:\\Users\\me'", 'a: "C:\\\\Users\\\\me"', 'a: "C:/Users"']) {
    assert.deepEqual(parseSource(text, "f").findings, []);
  }
});
