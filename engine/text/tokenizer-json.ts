// A tokenizer.json out of the bytes of a tokenizer's files: as it is, or as transformers would write it for
// vocab.json and merges.txt. Checked as far as it is used here.
// The trap: CLIP's vocabulary has 49408 words, and a run waits for them: each is looked at once, in a plain
// loop.
import type { Buffer } from "node:buffer";
import { broken } from "./tokenizer-fault.ts";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly normalized: boolean;
}

type Vocabulary = Readonly<Record<string, number>>;

export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly model: { readonly vocab: Vocabulary };
}

export interface Parsed {
  readonly json: TokenizerJson;
  /** One more than the highest id. */
  readonly vocabularySize: number;
}

export const start = "<|startoftext|>";
export const end = "<|endoftext|>";

const pieces = `${start}|${end}|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+`
  .replaceAll("|>", "\\|>").replaceAll("<|", "<\\|");

/** Ids are indices of arrays, so a damaged file must not name a huge one. */
const highestId = 1_000_000;

const isId = (id: unknown): boolean =>
  Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) <= highestId;

/** One more than the highest id; undefined where `json` is no map from tokens to ids. */
function sizeOf(json: unknown): number | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const vocab = json as Vocabulary;
  let size = 0;
  for (const token in vocab) {
    const id = vocab[token];
    if (!isId(id)) return undefined;
    if (id >= size) size = id + 1;
  }
  return size;
}

function parse(file: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw broken(file, "no readable JSON", cause);
  }
}

/** Lines "a b", in the order in which they are applied. */
function mergesIn(file: string, bytes: Buffer): readonly string[] {
  const lines = bytes.toString().split(/\r?\n/)
    .filter((line) => line !== "" && !line.startsWith("#version"));
  // Without them every word would silently become its letters.
  if (lines.length === 0) throw broken(file, "nothing in it");
  for (const line of lines) {
    const space = line.indexOf(" ");
    if (space === -1 || line.includes(" ", space + 1)) {
      throw broken(file, "a line that is no pair");
    }
  }
  return lines;
}

interface Source {
  readonly file: string;
  readonly bytes: Buffer;
}

function tokensIn({ file, bytes }: Source): { readonly tokens: Vocabulary; readonly size: number } {
  const tokens = parse(file, bytes) as Vocabulary;
  const size = sizeOf(tokens);
  if (size === undefined) throw broken(file, "no map from tokens to ids");
  return { tokens, size };
}

/** Words that a tokenizer was taught; some files list the start and end tokens too. */
const taught = (added: Vocabulary, vocab: Vocabulary): readonly AddedToken[] =>
  Object.entries(added)
    .filter(([content]) => !Object.hasOwn(vocab, content))
    .map(([content, id]) => ({ id, content, special: false, normalized: true }));

/** Of vocab.json, merges.txt and added_tokens.json. Throws TokenizerFault. */
export function fromVocabulary(vocabulary: Source, merges: Source, added?: Source): Parsed {
  const { tokens: vocab, size } = tokensIn(vocabulary);
  const words = added === undefined ? { tokens: {}, size: 0 } : tokensIn(added);
  const json = {
    added_tokens: taught(words.tokens, vocab),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: pieces }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [end, vocab[end]],
      cls: [start, vocab[start]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: end,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: mergesIn(merges.file, merges.bytes),
    },
  };
  return { json, vocabularySize: Math.max(size, words.size) };
}

/** Of a tokenizer.json. Throws TokenizerFault. */
export function fromTokenizerJson(file: string, bytes: Buffer): Parsed {
  const json = parse(file, bytes) as TokenizerJson | null;
  const vocabularySize = sizeOf(json?.model?.vocab);
  const added = json?.added_tokens;
  if (!Array.isArray(added) || !added.every((token) => isId(token?.id)) || !vocabularySize) {
    throw broken(file, "no BPE vocabulary");
  }
  const ids = added.map(({ id }) => id);
  return { json: json!, vocabularySize: Math.max(vocabularySize, ...ids.map((id) => id + 1)) };
}
