// What may be wrong with a tokenizer, and with a word that it is to learn.
import { fault } from "../../lib/fault.ts";

/** Tokenizer files that are broken, or of another model than the text encoder. */
export class TokenizerFault extends fault("TokenizerFault", "user") {}

/** A placeholder that the tokenizer knows already, or does not take as one token. */
export class PlaceholderFault extends fault("PlaceholderFault", "user") {}

export const broken = (file: string, found: string, cause?: unknown): TokenizerFault =>
  new TokenizerFault({
    file,
    wanted: "a CLIP tokenizer's file",
    found,
    fix: "Take it again from the model's repository.",
    cause,
  });
