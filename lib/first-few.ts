// A list in a sentence: its first few, and how many more there are.

/** e.g. "a, b, c and 4 more". */
export function firstFew(texts: readonly string[], most = 5): string {
  const more = texts.length - most;
  return texts.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
