// CLIP's vocabulary, for the question whether a trigger means something else already. Both of SDXL's
// tokenizers have the same words. The trap: a word that ends has `</w>` in its entry, so `cat` alone is
// the piece in `cathedral`.
import { readUtf8 } from "../../lib/plain-files.ts";

export interface Vocabulary {
  /** A token that is a whole word; case does not matter to CLIP. */
  readonly isWord: (text: string) => boolean;
  /** An entry as it stands, which no added token may be called. */
  readonly isPiece: (text: string) => boolean;
}

export async function loadVocabulary(): Promise<Vocabulary> {
  const file = new URL("../../engine/text/clip/vocab.json", import.meta.url);
  const entries = new Set(Object.keys(JSON.parse(await readUtf8(file))));
  return {
    isWord: (text) => entries.has(`${text.toLowerCase()}</w>`),
    isPiece: (text) => entries.has(text),
  };
}
