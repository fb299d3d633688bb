import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect, Schema } from "effect";
import fc from "fast-check";
import { captionTokenizer, placeholderTokens } from "../../engine/text/caption-tokenizer.ts";
import type { TokenizerFiles } from "../../engine/text/tokenizer-files.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import type { Captions } from "../../inversion/artefacts/captions.ts";
import { TokenIds, tokensFor, tokensOf } from "../../inversion/artefacts/token-ids.ts";
import { memoryTools, offlineInputs } from "../../runtime/testing/memory-tools.ts";
import { captionTable } from "./caption-table.ts";
import { tokenise, TokeniseOptions } from "./stage.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const model = `${root}sample_data/tiny-sdxl`;

const optionsFor = (more: object = {}) =>
  Schema.decodeUnknownSync(TokeniseOptions)({
    model,
    placeholder_token: "my_gnome",
    initializer_token: "gnome",
    num_vectors: 3,
    ...more,
  });

const captionsOf = (train: readonly string[], more: Partial<Captions> = {}): Captions => ({
  placeholder: "my_gnome",
  shuffle_delimiter: null,
  train: [{ id: "1.jpg", captions: train }],
  heldOut: [],
  ...more,
});

const running = (captions: Captions, more: object, tools = memoryTools()) =>
  tokenise.run({ options: optionsFor(more), inputs: { captions }, writers: {}, tools });

async function run(captions: Captions, more: object = {}) {
  const tools = memoryTools();
  const { tokens } = await Effect.runPromise(running(captions, more, tools));
  assert.deepEqual(Schema.decodeUnknownSync(TokenIds)(JSON.parse(JSON.stringify(tokens))), tokens);
  return { tokens, warnings: tools.warnings() };
}

const failure = (captions: Captions, more: object = {}) =>
  Effect.runPromise(Effect.flip(running(captions, more)));

const clip = (padToken: string): TokenizerFiles => ({
  kind: "vocabulary",
  folder: `${root}engine/text/clip`,
  vocabulary: `${root}engine/text/clip/vocab.json`,
  merges: `${root}engine/text/clip/merges.txt`,
  padToken,
});

test("initializer_token auto: as many vectors as asked for, their word left open", async () => {
  const { tokens } = await run(captionsOf(["a my_gnome"]), { initializer_token: "auto" });
  assert.equal(tokens.initialIds, null);
  assert.equal(tokens.placeholderTokens.length, 3);
});

test("a caption's ids are the tokenizers' own, with the placeholder spelt out", async () => {
  const { tokens, warnings } = await run(captionsOf(["a photo of my_gnome, in the garden!"]));
  const names = placeholderTokens("my_gnome", 3);
  const { ids1, ids2, text } = tokensFor(tokens, { seed: 1, epoch: 0, item: 0 });
  assert.equal(text, "a photo of my_gnome, in the garden!");
  for (const [ids, folder] of [[ids1, "tokenizer"], [ids2, "tokenizer_2"]] as const) {
    const files: TokenizerFiles = {
      kind: "vocabulary",
      folder: `${model}/${folder}`,
      vocabulary: `${model}/${folder}/vocab.json`,
      merges: `${model}/${folder}/merges.txt`,
      padToken: folder === "tokenizer" ? "<|endoftext|>" : "!",
    };
    const { encode } = loadTokenizer(files, names, tokens.placeholderIds[0][0]);
    assert.deepEqual(ids, encode(text.replace("my_gnome", names.join(" "))).ids);
  }
  assert.deepEqual(tokens.placeholderTokens, names);
  assert.deepEqual(tokens.initialIds!.map((ids) => new Set(ids).size), [1, 1]);
  assert.equal(tokens.initialIds![0].length, 3);
  assert.deepEqual(warnings, []);
});

// With CLIP's real vocabulary: captions of words, marks, digits, and characters of several bytes.
test("parts put together in any order are the whole caption's tokens", () => {
  const tokenizers = [
    captionTokenizer(clip("<|endoftext|>"), [{ name: "my_gnome", vectors: 2 }], 49408),
    captionTokenizer(clip("!"), [{ name: "my_gnome", vectors: 2 }], 49408),
  ] as const;
  const word = fc.oneof(
    fc.constantFrom(
      "my_gnome",
      "gnome",
      "it's",
      "!",
      "...",
      "a",
      "é",
      "e\u0301",
      "小人",
      "🧙",
      "42",
    ),
    fc.string({ unit: fc.constantFrom(..."ab1!',.;-_ \t"), maxLength: 6 }),
  );
  const caption = fc.array(fc.array(word, { maxLength: 5 }), { minLength: 1, maxLength: 5 });
  const delimiter = fc.constantFrom(",", ";", " and ", "|", "x");
  fc.assert(
    fc.property(caption, delimiter, fc.nat(1000), (words, shuffle_delimiter, epoch) => {
      const text = words.map((part) => part.join(" ")).join(shuffle_delimiter);
      const captions = captionsOf([text], { shuffle_delimiter });
      const frames = tokenizers.map(({ startId, endId, padId }) => ({ startId, endId, padId }));
      const tokens = {
        frames,
        shuffle_delimiter,
        ...captionTable(captions, tokenizers),
      } as unknown as TokenIds;
      const use = { seed: 1, epoch, item: 0 };
      const shown = tokensFor(tokens, use);
      const partsOf = (caption: string) =>
        caption.split(shuffle_delimiter).map((part) => part.trim()).sort();
      assert.deepEqual(partsOf(shown.text), partsOf(text));
      const whole = (encoder: 0 | 1) => {
        const ids = tokenizers[encoder].idsOf(shown.text);
        return [...ids, tokenizers[encoder].endId];
      };
      assert.deepEqual(shown.ids1.slice(1, whole(0).length + 1), whole(0));
      assert.deepEqual(shown.ids2.slice(1, whole(1).length + 1), whole(1));
    }),
    { numRuns: 300 },
  );
});

test("each caption is listed once, held-out captions are never shuffled", async () => {
  const captions = captionsOf(["a my_gnome, red", "a my_gnome", "a my_gnome"], {
    shuffle_delimiter: ",",
    heldOut: [{ id: "h.jpg", captions: ["in a room, my_gnome"] }],
  });
  const { tokens } = await run(captions);
  assert.deepEqual(tokens.train, [{ id: "1.jpg", captions: [0, 1, 1] }]);
  assert.deepEqual(tokens.heldOut, [{ id: "h.jpg", captions: [2] }]);
  assert.equal(tokensOf(tokens, 2).text, "in a room, my_gnome");
});

test("an initializer of several tokens: they are listed, and initial_phrase is offered", async () => {
  const fault = await failure(captionsOf(["a my_gnome"]), { initializer_token: "garden gnome" });
  assert.equal(fault.key, "initializer_token");
  assert.match(fault.message, /"garden", "gnome"/);
  assert.match(fault.message, /initial_phrase to "garden gnome".* 2 vectors/);
});

test("initial_phrase decides the number of vectors, and says so", async () => {
  const phrase = { initializer_token: null, initial_phrase: "a garden gnome" };
  const { tokens, warnings } = await run(captionsOf(["a my_gnome"]), phrase);
  assert.equal(tokens.placeholderTokens.length, 3);
  assert.equal(new Set(tokens.initialIds![0]).size, 3);
  assert.deepEqual(warnings, []);
  const other = await run(captionsOf(["a my_gnome"]), { ...phrase, num_vectors: 5 });
  assert.match(other.warnings.join(), /3 tokens.*num_vectors \(5\) is not used/);
  const long = { initializer_token: null, initial_phrase: "a ".repeat(76) };
  assert.match((await failure(captionsOf(["a my_gnome"]), long)).message, /1 to 75 .* with 76/);
});

test("an embedding file: no tokens to begin as", async () => {
  const { tokens } = await run(captionsOf(["a my_gnome"]), { initializer_token: null });
  assert.equal(tokens.initialIds, null);
  assert.equal(tokens.placeholderTokens.length, 3);
});

test("a placeholder that is a token already is refused before anything runs", async () => {
  const options = optionsFor({ placeholder_token: "gnome" });
  const [fault, ...others] = await Effect.runPromise(tokenise.preflight!(options, offlineInputs));
  assert.deepEqual(others, []);
  assert.match(fault.message, /"gnome"/);
  assert.deepEqual(await Effect.runPromise(tokenise.preflight!(optionsFor(), offlineInputs)), []);
});

test("captions without the placeholder, or with it past token 75", async () => {
  const long = (words: number) => `${"a ".repeat(words)}my_gnome`;
  const some = await run(captionsOf(["a cat", long(72), long(73)], {
    heldOut: [{ id: "h.jpg", captions: ["a dog"] }],
  }));
  const [missing, cut, unmeasured] = some.warnings;
  assert.match(missing, /Nothing is learnt from captions without my_gnome: "a cat"/);
  assert.match(cut, /Only 75 tokens fit/);
  assert.equal(cut.includes(long(73)) && !cut.includes(JSON.stringify(long(72))), true);
  assert.match(unmeasured, /"a dog".*fixed_loss_word/);

  assert.match((await failure(captionsOf(["a cat"]))).message, /Write my_gnome into the captions/);
  const wide = await failure(captionsOf(["a photo of my_gnome"]), { num_vectors: 75 });
  assert.match(wide.message, /all 75 vectors .* Use fewer vectors/);
  assert.deepEqual((await run(captionsOf(["my_gnome"]), { num_vectors: 75 })).warnings, []);
});

test("a shuffle that may push the placeholder out is told, though the caption as written fits", async () => {
  const text = `my_gnome, ${"a ".repeat(73)}`;
  assert.doesNotMatch((await run(captionsOf([text]))).warnings.join(), /may be cut off/);
  const shuffled = captionsOf([text, "a my_gnome"], { shuffle_delimiter: "," });
  assert.match((await run(shuffled)).warnings.join(), /may be cut off/);
});

test("inputs are the tokenizers' bytes and the vocabularies, without paths", async () => {
  const inputs = await Effect.runPromise(tokenise.inputs!(optionsFor(), offlineInputs));
  const { vocabularies, digests } = inputs as { vocabularies: number[]; digests: string[] };
  assert.equal(digests.length, 4);
  assert.equal(vocabularies.length, 2);
  assert.ok(!JSON.stringify(inputs).includes("tiny-sdxl"));
});

test("captions of more than 75 tokens are said", async () => {
  const long = `a my_gnome ${"in the garden ".repeat(30)}`;
  const { warnings } = await run(captionsOf([long, "a my_gnome"]));
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0],
    /^Only 75 tokens fit, so the end is cut off of "a my_gnome in .*\.\.\." \((\d+) too/,
  );
});
