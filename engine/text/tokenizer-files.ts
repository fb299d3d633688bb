// Which files a CLIP tokenizer folder holds: `vocab.json` and `merges.txt` (all older repositories), with
// `added_tokens.json` where words were taught, or only `tokenizer.json` (written by transformers 5); and the
// token it pads with.
// The trap: SDXL's two tokenizers share a vocabulary but pad differently, with the end token and "!".
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

export type TokenizerFiles =
  & {
    readonly folder: string;
    readonly padToken: string;
  }
  & (
    | {
      readonly kind: "vocabulary";
      readonly vocabulary: string;
      readonly merges: string;
      readonly added?: string;
    }
    | { readonly kind: "tokenizer.json"; readonly tokenizerJson: string }
  );

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

const padOfFolder = (folder: string) => basename(folder) === "tokenizer_2" ? "!" : "<|endoftext|>";

/** A token is written as text or, where it has flags, as an object with its text as `content`. */
function padToken(folder: string): string {
  for (const name of ["tokenizer_config.json", "special_tokens_map.json"]) {
    if (!isFile(join(folder, name))) continue;
    try {
      const pad = JSON.parse(readFileSync(join(folder, name), "utf8")).pad_token;
      const text = pad?.content ?? pad;
      if (typeof text === "string") return text;
    } catch {
      // A config that is no JSON has nothing to say; what pads is then as in the SDXL release.
    }
  }
  return padOfFolder(folder);
}

/** The files of a tokenizer's folder, or undefined when it holds no tokenizer. */
export function tokenizerFiles(folder: string): TokenizerFiles | undefined {
  const [vocabulary, merges] = [join(folder, "vocab.json"), join(folder, "merges.txt")];
  const common = { folder, padToken: padToken(folder) };
  if (isFile(vocabulary) && isFile(merges)) {
    const added = join(folder, "added_tokens.json");
    const taught = isFile(added) ? { added } : {};
    return { ...common, kind: "vocabulary", vocabulary, merges, ...taught };
  }
  const tokenizerJson = join(folder, "tokenizer.json");
  return isFile(tokenizerJson) ? { ...common, kind: "tokenizer.json", tokenizerJson } : undefined;
}

/** All that decides which ids a text has. */
export const filesOf = (files: TokenizerFiles): readonly string[] =>
  files.kind === "tokenizer.json"
    ? [files.tokenizerJson]
    : [files.vocabulary, files.merges, ...files.added === undefined ? [] : [files.added]];
