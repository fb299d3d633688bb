// What may be wrong with a tokenizer.
import { fault } from "../fault.ts";

/** Tokenizer files that are broken, or a placeholder that cannot be added. */
export class TokenizerFault extends fault("TokenizerFault", "user") {}

export const broken = (file: string, found: string, cause?: unknown): TokenizerFault =>
  new TokenizerFault({
    file,
    wanted: "a CLIP tokenizer's file",
    found,
    fix: "Take it again from the model's repository.",
    cause,
  });
