// Tokenizer files from anywhere: what would run for ever, fill the memory or end as a defect is refused by
// name, and CLIP's own patterns are not.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { TokenizerFault } from "./tokenizer-fault.ts";
import { tokenizerFiles } from "./tokenizer-files.ts";
import { loadTokenizer } from "./tokenizer.ts";

const sound = JSON.parse(
  readFileSync(new URL("./fixtures/tokenizer_2/tokenizer.json", import.meta.url), "utf8"),
);

const split = (pattern: unknown) => ({
  pre_tokenizer: { type: "Split", pattern: { Regex: pattern }, behavior: "Removed", invert: true },
});
const addedTokens = (count: number) => ({
  added_tokens: Array.from({ length: count }, (_, i) => ({ id: 900 + i, content: `x${i}` })),
});

let folders = 0;
const encoded = (root: string, text: string, over: object | string) => {
  const folder = join(root, `${folders++}`);
  mkdirSync(folder);
  const content = typeof over === "string" ? over : JSON.stringify({ ...sound, ...over });
  writeFileSync(join(folder, "tokenizer.json"), content);
  return loadTokenizer(tokenizerFiles(folder)!).encode(text).ids;
};

const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
const refused: readonly (readonly [string, object | string, RegExp])[] = [
  ["a pattern in a pattern", split("(a+)+$"), /regular expression "\(a\+\)\+\$"/],
  ["many repeats in a row", split("a*a*a*a*a*a*a*a*b"), /regular expression/],
  ["a pattern that is none", split({ toString: 1 }), /regular expression/],
  ["a pattern that is cut off", split("["), /wanted a CLIP tokenizer/],
  ["200 000 added tokens", addedTokens(200_000), /more than the limit of 10000/],
  ["a text as an id", { added_tokens: [{ id: "5", content: "x" }] }, /without a text or an id/],
  [
    "an object as a text",
    { added_tokens: [{ id: 5, content: { toString: 1 } }] },
    /without a text/,
  ],
  ["merges of objects", { model: { ...sound.model, merges: [{ toString: 1 }] } }, /wanted a CLIP/],
  ["an id beyond all", { model: { ...sound.model, vocab: { a: 1e12 } } }, /no BPE vocabulary/],
  [
    "a word with two ids",
    JSON.stringify(sound).replace('"vocab":{', '"vocab":{"!</w>":7,'),
    /"!<\/w>" twice/,
  ],
  ["no model", { model: null }, /no BPE vocabulary/],
  ["endless nesting", `{"added_tokens":[],"model":{"vocab":{"a":1}},"normalizer":${deep}}`, /deep/],
];

for (const [name, over, found] of refused) {
  test(`${name}: refused`, { timeout: 60_000 }, () =>
    withTemporaryFolder((root) => {
      assert.throws(
        () => encoded(root, `a photo of ${"a".repeat(60)}!`, over),
        (fault) => fault instanceof TokenizerFault && found.test(fault.message),
      );
      return Promise.resolve();
    }));
}

test("a file far larger than any tokenizer's is not read", () =>
  withTemporaryFolder((folder) => {
    for (const [name, bytes] of [["vocab.json", 0], ["merges.txt", 65 << 20]] as const) {
      writeFileSync(join(folder, name), "{}");
      if (bytes > 0) truncateSync(join(folder, name), bytes);
    }
    const files = tokenizerFiles(folder)!;
    assert.throws(() => loadTokenizer(files), /merges\.txt.*more than the limit of 67108864/);
    return Promise.resolve();
  }));

test("what a file says of the frame of a text does not matter; a few taught words do no harm", () =>
  withTemporaryFolder((root) => {
    const text = "A photo of a gnome's hat, 3 of them";
    const ids = encoded(root, text, {});
    for (const post_processor of [null, { type: "RobertaProcessing" }, { type: "Sequence" }]) {
      assert.deepEqual(encoded(root, text, { post_processor }), ids);
    }
    const { added_tokens } = addedTokens(100);
    assert.deepEqual(
      encoded(root, text, { added_tokens: [...sound.added_tokens, ...added_tokens] }),
      ids,
    );
    return Promise.resolve();
  }));
