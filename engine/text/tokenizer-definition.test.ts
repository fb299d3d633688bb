// What is known of a tokenizer's files: shared by folders with equal bytes, and never older than the bytes.
// Each word is looked up in what the test itself reads.
import assert from "node:assert/strict";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tokenizerDefinition } from "./tokenizer-definition.ts";
import { tokenizerFiles } from "./tokenizer-files.ts";
import { loadTokenizer } from "./tokenizer.ts";

const model = fileURLToPath(new URL("../../tests/golden/a/model", import.meta.url));
let folder: string;
before(() => folder = mkdtempSync(join(tmpdir(), "definition-")));
after(() => rmSync(folder, { recursive: true }));

const copied = (name: string) => {
  const to = join(folder, name);
  cpSync(join(model, "tokenizer"), to, { recursive: true });
  return to;
};

test("folders with equal bytes have one definition, each with its own padding", () => {
  const [first, second] = ["tokenizer", "tokenizer_2"].map((name) =>
    tokenizerFiles(join(model, name))!
  );
  assert.equal(tokenizerDefinition(first), tokenizerDefinition(second));
  const vocab = JSON.parse(readFileSync(join(model, "tokenizer/vocab.json"), "utf8"));
  const pads = [first, second].map((files) => loadTokenizer(files).padId);
  assert.deepEqual(pads, [vocab["<|endoftext|>"], vocab["!"]]);
});

test("ids, and one more than the highest", () => {
  const definition = tokenizerDefinition(tokenizerFiles(join(model, "tokenizer"))!);
  const vocab = JSON.parse(readFileSync(join(model, "tokenizer/vocab.json"), "utf8"));
  for (const token of Object.keys(vocab)) assert.equal(definition.idOf(token), vocab[token]);
  for (const token of ["", "toString", "__proto__"]) {
    assert.equal(definition.idOf(token), undefined);
  }
  assert.equal(definition.vocabularySize, Math.max(...Object.values<number>(vocab)) + 1);
});

test("a file that changed is read again, also when its size and time are the old ones", () => {
  const file = join(copied("changing"), "vocab.json");
  const files = tokenizerFiles(join(folder, "changing"))!;
  const before = loadTokenizer(files);
  const { atime, mtime } = statSync(file);
  const vocab: Record<string, number> = JSON.parse(readFileSync(file, "utf8"));
  const [a, b] = [vocab["a</w>"], vocab["i</w>"]];
  writeFileSync(file, JSON.stringify({ ...vocab, "a</w>": b, "i</w>": a }));
  utimesSync(file, atime, mtime);
  const after = loadTokenizer(files);
  assert.deepEqual([before.tokenId("a"), before.tokenId("i")], [a, b]);
  assert.deepEqual([after.tokenId("a"), after.tokenId("i")], [b, a]);
  writeFileSync(file, "{");
  assert.throws(() => loadTokenizer(files), { _tag: "TokenizerFault", found: "no readable JSON" });
});

test("a placeholder of one tokenizer is no token of the next", () => {
  const files = tokenizerFiles(copied("placeholders"))!;
  const [one, other] = [["zq_one"], ["zq_other"]].map((names) => loadTokenizer(files, names, 1000));
  const plain = loadTokenizer(files);
  assert.deepEqual([one.tokenId("zq_one"), other.tokenId("zq_other")], [1000, 1000]);
  for (const tokenizer of [one, other, plain]) {
    assert.equal(tokenizer.encode("zq_one zq_other").ids.includes(1000), tokenizer !== plain);
  }
  assert.equal(one.tokenId("zq_other"), undefined);
  assert.equal(plain.tokenId("zq_one"), undefined);
});
