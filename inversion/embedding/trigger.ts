// The word to type in a prompt for an embedding file, by client, and what in the file's name gets in the
// way. The trap: A1111 and Forge match the name's tokens anywhere in a prompt, so a file called
// `gnome` turns every gnome into the embedding.
import type { Client } from "./clients.ts";

export interface Trigger {
  /** Undefined when no prompt can name this file. */
  readonly text: string | undefined;
  /** Reasons to rename the file; the first explains a missing `text`. */
  readonly remarks: readonly string[];
}

export interface TriggerFacts {
  readonly stem: string;
  /** The token that diffusers would add; that of the file's one tensor, or of its metadata. */
  readonly token: string;
  /** How CLIP's vocabulary knows a text: as a word of its own, or as a piece of words. */
  readonly vocabulary: { readonly isWord: boolean; readonly isPiece: boolean };
}

const none = (remark: string): Trigger => ({ text: undefined, remarks: [remark] });
const typed = (text: string, ...remarks: (string | false)[]): Trigger => ({
  text,
  remarks: remarks.filter((remark) => remark !== false),
});

/** Characters that a prompt's syntax would take, each with a backslash before it. */
const escaped = (stem: string, special: RegExp): string => stem.replace(special, "\\$&");

/** Rules of each client's prompt parser. */
export const triggers: Readonly<Record<Client, (facts: TriggerFacts) => Trigger>> = {
  InvokeAI: ({ stem }) =>
    /^[a-zA-Z0-9., _-]+$/.test(stem)
      ? typed(`<${stem}>`)
      : none("its prompts take only letters, digits and . , _ - or spaces between < and >"),
  ComfyUI: ({ stem }) =>
    /\s/.test(stem) ? none("its prompts end the name at white space") : typed(
      `embedding:${escaped(stem, /[()]/g)}`,
      /^,|,$/.test(stem) && "its prompts may take the comma of the name for their own",
    ),
  "A1111/Forge": ({ stem, vocabulary }) =>
    /\b(AND|BREAK)\b/.test(stem)
      ? none("its prompts are cut at the words AND and BREAK, so the name is never found")
      : typed(
        escaped(stem, /[()[\]\\]/g),
        vocabulary.isWord &&
          `every "${stem}" in a prompt becomes the embedding: it is an ordinary word`,
      ),
  diffusers: ({ token, vocabulary }) =>
    vocabulary.isPiece
      ? none(`"${token}" is in CLIP's vocabulary already: give another with token=`)
      : typed(token),
};
