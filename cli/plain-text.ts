// Text from files, prompts and errors for a terminal, which would obey the control characters in it.
// The trap: line ends are control characters too; split into lines first.
import { stripVTControlCharacters } from "node:util";

/** Colours and cursor movements go as a whole, or their letters and digits would stay in the text. */
export const plainText = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}]+/gu, " ");
