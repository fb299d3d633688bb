// A tokenizer.json out of the bytes of a tokenizer's files: as it is, or as transformers would write it for
// vocab.json and merges.txt. Checked as far as it is used here.
// The trap: CLIP's vocabulary has 49408 words, and a run waits for them: each is looked at once, in a plain
// loop. And a file may come from anywhere: its regular expressions would run on every caption.
import type { Buffer } from "node:buffer";
import { duplicateKey } from "../../lib/duplicate-key.ts";
import { shownJson } from "../../lib/foreign-json.ts";
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
  const text = bytes.toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken(file, "no readable JSON", cause);
  }
  // The last of two ids would stand, and the word mean another row.
  const twice = duplicateKey(text);
  if (twice !== undefined) throw broken(file, `${shownJson(twice)} twice`);
  return json;
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

/** Words that a tokenizer was taught; each is looked for in every caption. */
const mostAdded = 10_000;
const longestToken = 1000;

const isAdded = (token: AddedToken | null): boolean =>
  isId(token?.id) && typeof token?.content === "string" && token.content.length <= longestToken;

/** Between alternatives of a pattern. */
const alternatives = /(?:\\.|\[(?:\\.|[^\]\\])*\]|[^|\\[])+/g;
const character = "(?:\\\\[pP]\\{[\\w=]+\\}|\\\\.|\\[(?:\\\\.|[^\\]\\\\])*\\]|[^\\\\[\\](){}*+?|])";
/** Characters one after another, the last perhaps many times: nothing to try in two ways. */
const plain = new RegExp(`^(?:${character})*(?:${character}[+*])?$`, "u");

/** Whether matching it takes time in proportion to the text: alternatives of which only the end repeats. */
const isHarmless = (pattern: string): boolean =>
  pattern.length <= 1000 && (pattern.match(alternatives) ?? []).every((part) => plain.test(part));

/** A regular expression somewhere in a part of the file that is not harmless; undefined: there is none. */
function harmfulPattern(part: unknown, depth = 0): string | undefined {
  if (typeof part !== "object" || part === null) return undefined;
  if (depth > 8) return "something nested very deep";
  const { Regex: pattern, ...rest } = part as Readonly<Record<string, unknown>>;
  if (pattern !== undefined && !(typeof pattern === "string" && isHarmless(pattern))) {
    return shownJson(pattern);
  }
  for (const child of Object.values(rest)) {
    const found = harmfulPattern(child, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of a tokenizer.json. Throws TokenizerFault. */
export function fromTokenizerJson(file: string, bytes: Buffer): Parsed {
  const json = parse(file, bytes) as TokenizerJson | null;
  const vocabularySize = sizeOf(json?.model?.vocab);
  const added = json?.added_tokens;
  if (!Array.isArray(added) || !vocabularySize) throw broken(file, "no BPE vocabulary");
  if (added.length > mostAdded) {
    throw broken(file, `${added.length} added tokens, more than the limit of ${mostAdded}`);
  }
  if (!added.every(isAdded)) throw broken(file, "an added token without a text or an id");
  const { model: _, added_tokens: __, ...pipeline } = json!;
  const pattern = harmfulPattern(pipeline);
  if (pattern !== undefined) {
    throw broken(
      file,
      `the regular expression ${pattern}, which may take for ever on some captions`,
    );
  }
  const ids = added.map(({ id }) => id + 1);
  return { json: json!, vocabularySize: Math.max(vocabularySize, ...ids) };
}
