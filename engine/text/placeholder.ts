// A placeholder of several vectors: `name` stands for the tokens `name name_1 name_2 ...` (diffusers'
// convention, which the reference follows), in captions, prompts and embedding files.

/** The tokens behind a placeholder, [vectors]. */
export const placeholderTokens = (placeholder: string, vectors: number): readonly string[] =>
  Array.from({ length: vectors }, (_, i) => i === 0 ? placeholder : `${placeholder}_${i}`);

const wordCharacter = /[\p{L}\p{N}_]/u;

/** Every place in `text` where the placeholder stands as a word of its own. */
function occurrences(placeholder: string): RegExp {
  const literal = placeholder.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const before = wordCharacter.test(placeholder[0]) ? "(?<![\\p{L}\\p{N}_])" : "";
  const after = wordCharacter.test(placeholder.at(-1)!) ? "(?![\\p{L}\\p{N}_])" : "";
  return new RegExp(before + literal + after, "gu");
}

/** `text` with the placeholder replaced by all its tokens. */
export const expandPlaceholder = (text: string, placeholder: string, vectors: number): string =>
  text.replace(occurrences(placeholder), () => placeholderTokens(placeholder, vectors).join(" "));

export const hasPlaceholder = (text: string, placeholder: string): boolean =>
  occurrences(placeholder).test(text);
