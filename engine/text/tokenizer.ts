// CLIP's tokenizer (byte-level BPE, lower case, 77 tokens) with placeholder tokens added, through
// @huggingface/tokenizers, from vocab.json and merges.txt or from tokenizer.json.
// The trap: in SDXL's second tokenizer "!" is the padding token, hence special: "gnome!" has id 0 in it,
// and id 256 in the first.
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { shownJson } from "../../lib/foreign-json.ts";
import { type TokenizerDefinition, tokenizerDefinition } from "./tokenizer-definition.ts";
import { broken, PlaceholderFault, TokenizerFault } from "./tokenizer-fault.ts";
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

/** The placeholders as added tokens; all that cannot be added are in the one PlaceholderFault thrown. */
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
    throw new PlaceholderFault({
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
    // What stands around a text is known here; a file may say nothing of it, or nonsense.
    const post_processor = {
      type: "RobertaProcessing",
      sep: [end, definition.idOf(end)],
      cls: [start, definition.idOf(start)],
      trim_offsets: false,
      add_prefix_space: false,
    };
    const tokenizer = new HuggingFaceTokenizer({
      ...json,
      post_processor,
      added_tokens,
      model: noModel,
    }, {});
    tokenizer.model = model;
    return tokenizer;
  } catch (cause) {
    const file = files.kind === "vocabulary" ? files.folder : files.tokenizerJson;
    throw broken(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/**
 * Loads a tokenizer with `placeholderTokens` added. Their ids start at `firstPlaceholderId`, the text
 * encoder's `vocab_size`, by default right after the vocabulary. Throws TokenizerFault and PlaceholderFault.
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

  const highest = firstId + added.length;
  const idsIn = (text: string): readonly number[] => {
    const file = files.kind === "vocabulary" ? files.folder : files.tokenizerJson;
    const ids = (() => {
      try {
        return tokenizer.encode(text).ids;
      } catch (cause) {
        throw broken(file, cause instanceof Error ? cause.message : String(cause), cause);
      }
    })();
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= highest);
    if (wrong === undefined && ids.length >= 2) return ids;
    throw broken(file, `the id ${shownJson(wrong)} for a part of ${shownJson(text)}`);
  };

  const encode = (text: string): Encoded => {
    const inside = idsIn(text).slice(1, -1);
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
