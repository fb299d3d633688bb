// CLIP's tokenizer (byte-level BPE, lower case, 77 tokens) with placeholder tokens added, through
// @huggingface/tokenizers, from vocab.json and merges.txt or from tokenizer.json.
// The trap: in SDXL's second tokenizer "!" is the padding token, hence special: "gnome!" has id 0 in it,
// and id 256 in the first.
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { type TokenizerDefinition, tokenizerDefinition } from "./tokenizer-definition.ts";
import { broken, TokenizerFault } from "./tokenizer-fault.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";
import { type AddedToken, end, start } from "./tokenizer-json.ts";

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
  /** The text of a token; a piece that does not end a word ends in "-". */
  readonly wordOf: (id: number) => string;
  /** In the order given to `loadTokenizer`. */
  readonly placeholderIds: readonly number[];
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
}

/** The readable text of a token by its id, without the rest of a tokenizer. Throws TokenizerFault. */
export function tokenWords(files: TokenizerFiles): (id: number) => string {
  const definition = tokenizerDefinition(files);
  return (id) => definition.wordOf(id);
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

/** A model of nothing, which the definition's takes the place of: no constructor builds that again. */
const noModel = { type: "BPE", vocab: {}, merges: [] };

function build(
  definition: TokenizerDefinition,
  added: readonly AddedToken[],
  files: TokenizerFiles,
): HuggingFaceTokenizer {
  try {
    const { json, model } = definition;
    const added_tokens = [...json.added_tokens, ...added];
    const tokenizer = new HuggingFaceTokenizer({ ...json, added_tokens, model: noModel }, {});
    tokenizer.model = model;
    return tokenizer;
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
  const definition = tokenizerDefinition(files);
  const { vocabularySize, json: { added_tokens } } = definition;
  const idOf = (token: string): number => {
    const id = definition.idOf(token);
    if (id === undefined) throw broken(files.folder, `no token ${JSON.stringify(token)}`);
    return id;
  };
  const [startId, endId, padId] = [idOf(start), idOf(end), idOf(files.padToken)];
  const firstId = firstPlaceholderId ?? vocabularySize;
  if (firstId < vocabularySize) {
    throw new TokenizerFault({
      file: files.folder,
      wanted: `a tokenizer for a text encoder of ${firstId} tokens`,
      found: `one of ${vocabularySize} tokens`,
      fix: "Tokenizer and text encoder belong to different models: take both from one.",
    });
  }
  const taken = (token: string) => definition.idOf(token) !== undefined;
  const added = placeholders(placeholderTokens, taken, firstId, files.folder);
  const special = [...new Set([start, end, files.padToken])]
    .filter((content) => !added_tokens.some((token) => token.content === content))
    .map((content) => ({ id: idOf(content), content, special: true, normalized: false }));
  const tokenizer = build(definition, [...special, ...added], files);

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
    wordOf: (id) => added.find((token) => token.id === id)?.content ?? definition.wordOf(id),
    placeholderIds: added.map(({ id }) => id),
    startId,
    endId,
    padId,
  };
}
