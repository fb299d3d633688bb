import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { captionTokenizer, framed } from "./caption-tokenizer.ts";
import { tokenizerFiles } from "./tokenizer-files.ts";

const golden = (path: string) =>
  fileURLToPath(new URL(`../../tests/golden/${path}`, import.meta.url));

const tokenizerOf = (name: string, which: 1 | 2, placeholder: string, vectors: number) => {
  const suffix = which === 1 ? "" : "_2";
  const config = golden(`${name}/model/text_encoder${suffix}/config.json`);
  const { vocab_size } = JSON.parse(readFileSync(config, "utf8"));
  const files = tokenizerFiles(golden(`${name}/model/tokenizer${suffix}`))!;
  return captionTokenizer(files, [{ name: placeholder, vectors }], vocab_size);
};

for (const name of ["a", "b", "c"]) {
  test(`the ids of golden case ${name}, whose placeholder has several tokens`, async () => {
    const { captions, placeholder_rows } = JSON.parse(
      readFileSync(golden(`${name}/case.json`), "utf8"),
    );
    const inputs = await readSafetensors(golden(`${name}/inputs.safetensors`));
    for (const which of [1, 2] as const) {
      const tokenizer = tokenizerOf(name, which, "gnomic", placeholder_rows);
      const found = captions.flatMap((caption: string) =>
        framed(tokenizer.idsOf(caption.replaceAll("{}", "gnomic")), tokenizer)
      );
      assert.deepEqual(found, [...inputs.get(`ids${which}`)!.data].map(Number));
    }
  });
}

test("the placeholder is found in any case and inside words, and is not expanded twice", () => {
  const { idsOf, placeholderIds: [p, q, r] } = tokenizerOf("a", 1, "my_Gnome", 3);
  const [a, photo] = idsOf("a photo");
  assert.deepEqual(idsOf("a my_gnome photo"), [a, p, q, r, photo]);
  assert.deepEqual(idsOf("a MY_GNOME photo"), [a, p, q, r, photo]);
  assert.deepEqual(idsOf("a my_gnome my_gnome_1 my_gnome_2 photo"), [a, p, q, r, photo]);
  assert.deepEqual(idsOf("my_gnome my_gnome"), [p, q, r, p, q, r]);
  assert.deepEqual(idsOf("my_gnome, a").slice(0, 3), [p, q, r]);
});

test("75 tokens are kept, and what is over is counted", () => {
  const { idsOf, overflowOf, placeholderIds } = tokenizerOf("a", 1, "my_gnome", 4);
  const long = `${"a ".repeat(73)}my_gnome`;
  assert.deepEqual(idsOf(long).slice(73), placeholderIds.slice(0, 2));
  assert.equal(overflowOf(long), 2);
  assert.equal(overflowOf("a ".repeat(75)), 0);
  assert.equal(overflowOf("a ".repeat(80)), 5);
});

test("a placeholder that is a token already, or that falls apart, is refused", () => {
  assert.throws(() => tokenizerOf("a", 1, "gnome", 2), {
    _tag: "PlaceholderFault",
    found: /"gnome"/,
  });
  assert.throws(() => tokenizerOf("a", 2, "gno!me", 1), { key: "placeholder_token" });
});

test("several placeholders, one's name within another's: each stands for its own vectors", () => {
  const files = tokenizerFiles(golden("a/model/tokenizer"))!;
  const placeholders = [{ name: "zq_x", vectors: 2 }, { name: "zq_x_hat", vectors: 1 }, {
    name: "zq",
    vectors: 3,
  }];
  const { vocabularySize } = tokenizerOf("a", 1, "zq_x", 1);
  const { idsOf, placeholderIds } = captionTokenizer(files, placeholders, vocabularySize + 5);
  const [x0, x1, hat, zq0, zq1, zq2] = placeholderIds;
  assert.deepEqual(placeholderIds, [0, 1, 2, 3, 4, 5].map((i) => vocabularySize + 5 + i));
  const [a] = idsOf("a");
  assert.deepEqual(idsOf("a zq_x a zq_x_hat zq a"), [a, x0, x1, a, hat, zq0, zq1, zq2, a]);
  assert.deepEqual(idsOf("zq_x_1 zq_1 zq_2"), [x1, zq1, zq2]);
  assert.throws(
    () =>
      captionTokenizer(files, [{ name: "zq_x", vectors: 2 }, { name: "zq_x_1", vectors: 1 }], 999),
    { _tag: "PlaceholderFault", found: /"zq_x_1"/ },
  );
});
