// A placeholder is found wherever its letters stand, as the tokenizers do it: `hoto` in every `photo`.

/** Whether the word stands in a text as a part of a longer one. */
export function insideWord(text: string, word: string): boolean {
  const [low, part] = [text.toLowerCase(), word.toLowerCase()];
  const isLetter = (character: string | undefined) => /^[\p{L}\p{N}_]$/u.test(character ?? "");
  for (let at = low.indexOf(part); at >= 0 && part !== ""; at = low.indexOf(part, at + 1)) {
    if (isLetter(low[at - 1]) || isLetter(low[at + part.length])) return true;
  }
  return false;
}
