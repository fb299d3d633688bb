// A tokenizer's files, parsed and checked. That takes a quarter of a second for CLIP's and a run asks for a
// tokenizer many times, so files are parsed once a process, whichever folder they lie in; a file whose bytes
// have changed is parsed again.
// The trap: SDXL's two folders hold equal bytes, hence have one definition, which knows no path and no
// padding.
import type { Buffer } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { tokenText } from "./token-texts.ts";
import { broken } from "./tokenizer-fault.ts";
import { filesOf, type TokenizerFiles } from "./tokenizer-files.ts";
import {
  fromTokenizerJson,
  fromVocabulary,
  type Parsed,
  type TokenizerJson,
} from "./tokenizer-json.ts";

export class TokenizerDefinition {
  readonly json: TokenizerJson;
  /** One more than the highest id. */
  readonly vocabularySize: number;
  readonly #added: ReadonlyMap<string, number>;
  #tokens: readonly string[] | undefined;
  #tokenizer: HuggingFaceTokenizer | undefined;

  constructor({ json, vocabularySize }: Parsed) {
    this.json = json;
    this.vocabularySize = vocabularySize;
    this.#added = new Map(json.added_tokens.map(({ content, id }) => [content, id]));
  }

  /** The id of a token, spelt as in the files. */
  idOf(token: string): number | undefined {
    const { vocab } = this.json.model;
    return this.#added.get(token) ?? (Object.hasOwn(vocab, token) ? vocab[token] : undefined);
  }

  /** The readable text of a token. */
  wordOf(id: number): string {
    this.#tokens ??= byId(this.json.model.vocab, this.#added);
    const token = this.#tokens[id];
    return token === undefined ? `#${id}` : tokenText(token);
  }

  /** What merges bytes to tokens, which takes long to build. Throws what the library throws. */
  get model(): HuggingFaceTokenizer["model"] {
    this.#tokenizer ??= new HuggingFaceTokenizer(this.json, {});
    return this.#tokenizer.model;
  }
}

function byId(
  vocab: Readonly<Record<string, number>>,
  added: ReadonlyMap<string, number>,
): readonly string[] {
  const tokens: string[] = [];
  for (const token in vocab) tokens[vocab[token]] = token;
  for (const [token, id] of added) tokens[id] = token;
  return tokens;
}

interface Known {
  readonly bytes: readonly Buffer[];
  readonly definition: TokenizerDefinition;
}

/** A process works with one model, seldom two. */
const known: Known[] = [];

/** Throws TokenizerFault. */
export function tokenizerDefinition(files: TokenizerFiles): TokenizerDefinition {
  const bytes = filesOf(files).map(read);
  const held = known.find((each) =>
    each.bytes.length === bytes.length && each.bytes.every((part, i) => part.equals(bytes[i]))
  );
  if (held !== undefined) return held.definition;
  const definition = new TokenizerDefinition(parsed(files, bytes));
  known.push({ bytes, definition });
  return definition;
}

const parsed = (files: TokenizerFiles, bytes: readonly Buffer[]): Parsed =>
  files.kind === "vocabulary"
    ? fromVocabulary(
      { file: files.vocabulary, bytes: bytes[0] },
      { file: files.merges, bytes: bytes[1] },
      files.added === undefined ? undefined : { file: files.added, bytes: bytes[2] },
    )
    : fromTokenizerJson(files.tokenizerJson, bytes[0]);

/** CLIP's largest file has 4 MB. */
const mostBytes = 64 << 20;

function read(file: string): Buffer {
  let size: number;
  try {
    size = statSync(file).size;
    if (size <= mostBytes) return readFileSync(file);
  } catch (cause) {
    throw broken(file, "nothing that can be read", cause);
  }
  throw broken(file, `${size} bytes, more than the limit of ${mostBytes}`);
}
