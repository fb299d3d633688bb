import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { type TokenizerFiles, tokenizerFiles } from "./tokenizer-files.ts";
import { loadTokenizer, tokenWords } from "./tokenizer.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const clip = join(root, "engine/text/clip");
const clipFiles = (padToken: string): TokenizerFiles => ({
  kind: "vocabulary",
  folder: clip,
  vocabulary: join(clip, "vocab.json"),
  merges: join(clip, "merges.txt"),
  padToken,
});

let folder: string;
before(() => folder = mkdtempSync(join(tmpdir(), "tokenizer-")));
after(() => rmSync(folder, { recursive: true }));

interface Vector {
  readonly text: string;
  readonly added: readonly string[];
  readonly ids: readonly number[];
}
const vectors: Record<"tokenizer" | "tokenizer_2", readonly Vector[]> = JSON.parse(
  readFileSync(join(root, "tests/golden/clip_tokenizer/vectors.json"), "utf8"),
);

for (const [name, pad] of [["tokenizer", "<|endoftext|>"], ["tokenizer_2", "!"]] as const) {
  test(`the golden vectors of ${name}`, () => {
    const loaded = new Map<string, ReturnType<typeof loadTokenizer>>();
    assert.equal(vectors[name].length, 120);
    for (const { text, added, ids } of vectors[name]) {
      const key = added.join("\n");
      const tokenizer = loaded.get(key) ?? loadTokenizer(clipFiles(pad), added);
      loaded.set(key, tokenizer);
      assert.deepEqual(tokenizer.encode(text).ids, ids, JSON.stringify(text));
    }
  });
}

for (const name of ["a", "b", "c"]) {
  test(`the captions of golden case ${name}, placeholders after the text encoder's vocabulary`, async () => {
    const model = join(root, "tests/golden", name, "model");
    const { captions, placeholder_rows: rows } = JSON.parse(
      readFileSync(join(model, "../case.json"), "utf8"),
    );
    const inputs = await readSafetensors(join(model, "../inputs.safetensors"));
    const names = Array.from({ length: rows }, (_, i) => i === 0 ? "gnomic" : `gnomic_${i}`);
    for (
      const [which, encoder] of [["tokenizer", "text_encoder"], ["tokenizer_2", "text_encoder_2"]]
    ) {
      const { vocab_size } = JSON.parse(readFileSync(join(model, encoder, "config.json"), "utf8"));
      const files = tokenizerFiles(join(model, which))!;
      const tokenizer = loadTokenizer(files, names, vocab_size);
      assert.deepEqual(tokenizer.placeholderIds, names.map((_, i) => vocab_size + i));
      const wanted = [...inputs.get(which === "tokenizer" ? "ids1" : "ids2")!.data].map(Number);
      const found = captions.flatMap((caption: string) =>
        tokenizer.encode(caption.replaceAll("{}", names.join(" "))).ids
      );
      assert.deepEqual(found, wanted);
    }
  });
}

test("a tokenizer.json as transformers 5 writes it gives the ids of vocab.json and merges.txt", () => {
  const json = tokenizerFiles(join(root, "engine/text/fixtures/tokenizer_2"))!;
  const plain = tokenizerFiles(join(root, "tests/golden/a/model/tokenizer_2"))!;
  assert.deepEqual([json.kind, plain.kind, json.padToken], ["tokenizer.json", "vocabulary", "!"]);
  const [first, second] = [json, plain].map((files) => loadTokenizer(files, ["gnomic"], 1000));
  for (const { text } of vectors.tokenizer) {
    const withPlaceholder = `${text} Gnomic`;
    assert.deepEqual(first.encode(withPlaceholder), second.encode(withPlaceholder));
  }
  assert.equal(first.vocabularySize, 979);
  for (let id = 0; id <= 1000; id++) assert.equal(first.wordOf(id), second.wordOf(id));
});

test("length and overflow", () => {
  const tokenizer = loadTokenizer(clipFiles("!"));
  const words = (count: number) => Array(count).fill("gnome").join(" ");
  const { length, overflow, ids } = tokenizer.encode(words(75));
  assert.deepEqual([length, overflow, ids.length, ids[76]], [77, 0, 77, 49407]);
  const long = tokenizer.encode(words(80));
  assert.deepEqual([long.length, long.overflow, long.ids], [77, 5, ids]);
  assert.deepEqual([tokenizer.encode("").length, tokenizer.encode("").overflow], [2, 0]);
});

test("any text gives 77 ids of the vocabulary", () => {
  const tokenizer = loadTokenizer(tokenizerFiles(join(root, "sample_data/tiny-sdxl/tokenizer"))!);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const { ids, length } = tokenizer.encode(text);
    assert.equal(ids.length, 77);
    assert.ok(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize));
    assert.deepEqual([ids[0], ids[length - 1]], [tokenizer.startId, tokenizer.endId]);
  }));
});

test("single tokens and texts of tokens", () => {
  const tokenizer = loadTokenizer(clipFiles("!"), ["bruce_the_gnome"]);
  assert.equal(tokenizer.tokenId("gnome"), 33643);
  assert.equal(tokenizer.tokenId("bruce_the_gnome"), 49408);
  assert.equal(tokenizer.tokenId("gnome hat"), undefined);
  assert.equal(tokenizer.tokenId(""), undefined);
  const { wordOf } = tokenizer;
  assert.equal(wordOf(33643), "gnome");
  assert.equal(wordOf(49408), "bruce_the_gnome");
  assert.equal(wordOf(tokenizer.tokenId("ö")!), "ö");
  assert.equal(wordOf(tokenizer.endId), "<|endoftext|>");
  assert.equal(wordOf(99_999), "#99999");
  const alone = tokenWords(clipFiles("!"));
  const words = Array.from({ length: 49408 }, (_, id) => alone(id));
  assert.deepEqual(words, words.map((_, id) => wordOf(id)));
  assert.equal(words.filter((word) => word === "dog" || word === "dog-").length, 2);
  assert.equal(alone(49408), "#49408");
});

test("words that a tokenizer was taught, beside vocab.json, have the ids that transformers gives them", () => {
  const taught = join(folder, "taught");
  cpSync(join(root, "tests/golden/a/model/tokenizer"), taught, { recursive: true });
  const added = { "<gnome>": 979, "<gnome>_1": 980, "<|endoftext|>": 978 };
  writeFileSync(join(taught, "added_tokens.json"), JSON.stringify(added));
  const { encode, vocabularySize } = loadTokenizer(tokenizerFiles(taught)!);
  assert.equal(vocabularySize, 981);
  // By CLIPTokenizer of transformers 5.23 from the same files.
  for (
    const [text, ids] of [
      ["a photo of <gnome> here", [977, 320, 535, 512, 979, 71, 68, 81, 324, 978]],
      ["a<gnome>b", [977, 320, 979, 321, 978]],
      ["gnome <gnome>_1<gnome>", [977, 529, 980, 979, 978]],
      ["A <Gnome> x", [977, 320, 979, 343, 978]],
    ] as const
  ) {
    const { ids: found, length } = encode(text);
    assert.deepEqual(found.slice(0, length), ids, text);
  }
  assert.throws(() => loadTokenizer(tokenizerFiles(taught)!, ["<gnome>"]), {
    _tag: "PlaceholderFault",
  });
  writeFileSync(join(taught, "added_tokens.json"), "{}");
  assert.equal(loadTokenizer(tokenizerFiles(taught)!).vocabularySize, 979);
  writeFileSync(join(taught, "added_tokens.json"), "{");
  assert.throws(() => loadTokenizer(tokenizerFiles(taught)!), { _tag: "TokenizerFault" });
});

test("placeholders that the tokenizer knows, or twice, or empty, are refused together", () => {
  const names = ["good_one", "cat", "Gnome", "<|endoftext|>", "Good_One", " "];
  assert.throws(() => loadTokenizer(clipFiles("!"), names), {
    _tag: "PlaceholderFault",
    kind: "user",
    found: '"cat", "Gnome", "<|endoftext|>", "Good_One", " "',
  });
});

test("broken tokenizer files, and one of another model", () => {
  const broken = (name: string, text: string) => {
    const copy = join(folder, "tokenizer");
    cpSync(join(root, "tests/golden/a/model/tokenizer"), copy, { recursive: true });
    if (name === "tokenizer.json") rmSync(join(copy, "vocab.json"));
    writeFileSync(join(copy, name), text);
    return () => loadTokenizer(tokenizerFiles(copy)!);
  };
  assert.throws(broken("vocab.json", "{"), {
    _tag: "TokenizerFault",
    file: join(folder, "tokenizer/vocab.json"),
  });
  assert.throws(broken("vocab.json", "[]"), { _tag: "TokenizerFault" });
  assert.throws(broken("vocab.json", '{"a":0}'), {
    _tag: "TokenizerFault",
    found: 'no token "<|startoftext|>"',
  });
  assert.throws(broken("merges.txt", "a b c"), {
    _tag: "TokenizerFault",
    found: "a line that is no pair",
  });
  assert.throws(broken("merges.txt", "#version: 0.2\n"), {
    _tag: "TokenizerFault",
    found: "nothing in it",
  });
  assert.throws(broken("vocab.json", '{"a":1000000000}'), { _tag: "TokenizerFault" });
  for (
    const json of [
      "null",
      '{"added_tokens":[null]}',
      '{"added_tokens":[],"model":{"vocab":{"a":0}}}',
    ]
  ) {
    assert.throws(broken("tokenizer.json", json), { _tag: "TokenizerFault" });
  }
  const fixture = JSON.parse(
    readFileSync(join(root, "engine/text/fixtures/tokenizer_2/tokenizer.json"), "utf8"),
  );
  assert.throws(
    broken("tokenizer.json", JSON.stringify({ ...fixture, normalizer: { type: "Odd" } })),
    { _tag: "TokenizerFault" },
  );
  assert.throws(() => loadTokenizer(clipFiles("!"), [], 979), {
    _tag: "TokenizerFault",
    wanted: /979 tokens/,
    found: /49408/,
  });
  assert.equal(tokenizerFiles(join(root, "tests")), undefined);
});
