// CLIP's tokenizer (byte-level BPE, lower case, 77 tokens) with placeholder tokens added, through
// @huggingface/tokenizers, from vocab.json and merges.txt or from tokenizer.json.
// The trap: in SDXL's second tokenizer "!" is the padding token, hence special: "gnome!" has id 0 in it,
// and id 256 in the first.
import { readFileSync } from "node:fs";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { fault } from "../fault.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";
import { tokenText, tokenTexts } from "./token-texts.ts";
export { type TokenizerFiles, tokenizerFiles } from "./tokenizer-files.ts";

/** Tokenizer files that are broken, or a placeholder that cannot be added. */
export class TokenizerFault extends fault("TokenizerFault", "user") {}

/** Tokens of a caption, start and end token included: what CLIP takes. */
export const captionLength = 77;

export interface Encoded {
  /** [77]: start token, text, end token, padding. */
  readonly ids: readonly number[];
  /** Tokens before the padding, start and end token included; at most 77. */
  readonly length: number;
  /** Tokens of the text that did not fit and were dropped. */
  readonly overflow: number;
}

export interface Tokenizer {
  readonly encode: (text: string) => Encoded;
  /** The id of a word that is one single token (an initializer, say); undefined for all others. */
  readonly tokenId: (word: string) => number | undefined;
  /** One more than the highest id, added placeholders not counted. */
  readonly vocabularySize: number;
  /** By id: the text of each token; a piece that does not end a word ends in "-". Placeholders last. */
  readonly words: readonly string[];
  /** In the order given to `loadTokenizer`. */
  readonly placeholderIds: readonly number[];
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly normalized: boolean;
}

interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: unknown };
}

const start = "<|startoftext|>";
const end = "<|endoftext|>";
const pieces = `${start}|${end}|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+`
  .replaceAll("|>", "\\|>").replaceAll("<|", "<\\|");

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw broken(file, "no readable JSON", cause);
  }
}

const broken = (file: string, found: string, cause?: unknown) =>
  new TokenizerFault({
    file,
    wanted: "a CLIP tokenizer's file",
    found,
    fix: "Take it again from the model's repository.",
    cause,
  });

/** Ids are indices of arrays, so a damaged file must not name a huge one. */
const highestId = 1_000_000;

const isVocabulary = (json: unknown): json is Record<string, number> =>
  typeof json === "object" && json !== null && Object.values(json).length > 0 &&
  Object.values(json).every((id) =>
    Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) <= highestId
  );

function readVocabulary(file: string): Readonly<Record<string, number>> {
  const vocab = readJson(file);
  if (!isVocabulary(vocab)) throw broken(file, "no map from tokens to ids");
  return vocab;
}

/** The tokenizer.json that transformers would write for vocab.json and merges.txt. */
function fromVocabulary(vocabularyFile: string, mergesFile: string): TokenizerJson {
  const vocab = readVocabulary(vocabularyFile);
  const lines = readFileSync(mergesFile, "utf8").split(/\r?\n/);
  const merges = lines.filter((line) => line !== "" && !line.startsWith("#version"))
    .map((line) => line.split(" "));
  if (!merges.every(({ length }) => length === 2)) {
    throw broken(mergesFile, "a line that is no pair");
  }
  return {
    added_tokens: [],
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
      merges,
    },
  } as TokenizerJson;
}

function fromTokenizerJson(file: string): TokenizerJson {
  const json = readJson(file) as TokenizerJson;
  const hasTokens = Array.isArray(json?.added_tokens) &&
    json.added_tokens.every((token) => isVocabulary({ [token?.content]: token?.id }));
  if (!hasTokens || !isVocabulary(json.model?.vocab)) throw broken(file, "no BPE vocabulary");
  return json;
}

/** The readable text of a token by its id, without the rest of a tokenizer. Throws TokenizerFault. */
export function tokenWords(files: TokenizerFiles): (id: number) => string {
  const vocab = files.kind === "vocabulary"
    ? readVocabulary(files.vocabulary)
    : fromTokenizerJson(files.tokenizerJson).model.vocab;
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(vocab)) tokens[id] = token;
  return (id) => tokens[id] === undefined ? `#${id}` : tokenText(tokens[id]);
}

/** The placeholders as added tokens; all that cannot be added are in the one fault thrown. */
function placeholders(
  names: readonly string[],
  taken: (token: string) => boolean,
  firstId: number,
  folder: string,
): readonly AddedToken[] {
  const seen = new Set<string>();
  const refused = names.filter((name) => {
    const text = name.normalize("NFC").toLowerCase();
    const bad = text.trim() === "" || taken(text) || taken(`${text}</w>`) || taken(name) ||
      seen.has(text);
    seen.add(text);
    return bad;
  });
  if (refused.length > 0) {
    throw new TokenizerFault({
      file: folder,
      wanted: "placeholder tokens that the tokenizer does not know yet, each once",
      found: refused.map((name) => JSON.stringify(name)).join(", "),
      fix: "Choose a placeholder token that is no word, e.g. `my_gnome_thing`.",
    });
  }
  return names.map((content, i) => ({
    id: firstId + i,
    content,
    special: false,
    normalized: true,
  }));
}

function build(json: TokenizerJson, files: TokenizerFiles): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(json, {});
  } catch (cause) {
    const file = files.kind === "vocabulary" ? files.folder : files.tokenizerJson;
    throw broken(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/**
 * Loads a tokenizer with `placeholderTokens` added. Their ids start at `firstPlaceholderId`, the text
 * encoder's `vocab_size`, by default right after the vocabulary. Throws TokenizerFault.
 */
export function loadTokenizer(
  files: TokenizerFiles,
  placeholderTokens: readonly string[] = [],
  firstPlaceholderId?: number,
): Tokenizer {
  const json = files.kind === "vocabulary"
    ? fromVocabulary(files.vocabulary, files.merges)
    : fromTokenizerJson(files.tokenizerJson);
  const ids = new Map(Object.entries(json.model.vocab));
  for (const { content, id } of json.added_tokens) ids.set(content, id);
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined) throw broken(files.folder, `no token ${JSON.stringify(token)}`);
    return id;
  };
  const [startId, endId, padId] = [idOf(start), idOf(end), idOf(files.padToken)];
  const vocabularySize = [...ids.values()].reduce((most, id) => Math.max(most, id), 0) + 1;
  const firstId = firstPlaceholderId ?? vocabularySize;
  if (firstId < vocabularySize) {
    throw new TokenizerFault({
      file: files.folder,
      wanted: `a tokenizer for a text encoder of ${firstId} tokens`,
      found: `one of ${vocabularySize} tokens`,
      fix: "Tokenizer and text encoder belong to different models: take both from one.",
    });
  }
  const added = placeholders(placeholderTokens, (token) => ids.has(token), firstId, files.folder);
  const special = [...new Set([start, end, files.padToken])]
    .filter((content) => !json.added_tokens.some((token) => token.content === content))
    .map((content) => ({ id: idOf(content), content, special: true, normalized: false }));
  const all = { ...json, added_tokens: [...json.added_tokens, ...special, ...added] };
  const tokenizer = build(all, files);

  const encode = (text: string): Encoded => {
    const tokens = tokenizer.encode(text).ids;
    const inside = tokens.slice(1, -1);
    const kept = [startId, ...inside.slice(0, captionLength - 2), endId];
    const padding = Array<number>(captionLength - kept.length).fill(padId);
    return {
      ids: [...kept, ...padding],
      length: kept.length,
      overflow: Math.max(0, inside.length - (captionLength - 2)),
    };
  };
  const tokenId = (word: string): number | undefined => {
    const { ids, length } = encode(word);
    return length === 3 ? ids[1] : undefined;
  };
  return {
    encode,
    tokenId,
    vocabularySize,
    get words() {
      return tokenTexts(ids, added);
    },
    placeholderIds: added.map(({ id }) => id),
    startId,
    endId,
    padId,
  };
}
