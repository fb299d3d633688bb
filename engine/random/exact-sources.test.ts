// What reaches a training's state must not call V8's own functions: they differ between versions.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const inexact =
  /\bMath\.(exp|expm1|log|log1p|log2|log10|pow|sin|cos|tan|a?sinh|a?cosh|a?tanh|a(sin|cos|tan2?)|cbrt|hypot|random)\b|(?<!\/)\*\*/;

test("the pattern knows a call from a comment", () => {
  assert.match("Math.exp(x)", inexact);
  assert.match("x ** 2", inexact);
  assert.doesNotMatch("Math.sqrt(x) /** doc */ Math.fround(y)", inexact);
});

async function checkSource(file: URL): Promise<void> {
  const text = await readFile(file, "utf8");
  const found = text.split("\n").findIndex((line) => inexact.test(line));
  assert.equal(found, -1, `${file.pathname}:${found + 1}`);
}

for (const folder of ["random", "diffusion", "optimise"]) {
  test(`engine/${folder} uses exact math alone`, async () => {
    const root = new URL(`../${folder}/`, import.meta.url);
    const names = await readdir(root, { recursive: true });
    const sources = names.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
    assert.ok(sources.length >= 2);
    for (const name of sources) await checkSource(new URL(name.replaceAll("\\", "/"), root));
  });
}

test("the generator of random numbers uses exact math alone", () =>
  checkSource(new URL("../../lib/philox.ts", import.meta.url)));
