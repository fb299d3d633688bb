// @ts-check
// A list in a sentence: its first few, and how many more there are.
// The trap: the page loads this file in a browser, so it imports nothing.

/**
 * e.g. "a, b, c and 4 more".
 * @param {readonly string[]} texts
 * @returns {string}
 */
export function firstFew(texts, most = 5) {
  const more = texts.length - most;
  return texts.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
