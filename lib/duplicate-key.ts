// Finds a key that occurs twice in one object of a JSON text. The text must have passed JSON.parse:
// only strings and braces are looked at. The trap: two spellings of one key ("a", "\u0061") are equal.

/** The first repeated key, decoded, or undefined. Linear in the text's length. */
export function duplicateKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{") open.push(new Set());
    else if (char === "}") open.pop();
    else if (char === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) {
        const raw = text.slice(at + 1, end - 1);
        const key = raw.includes("\\") ? JSON.parse(`"${raw}"`) as string : raw;
        const keys = open[open.length - 1];
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** The index after the closing quote; a quote after an odd number of backslashes does not close. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1);; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return quote + 1;
  }
}

/** Whether a colon follows, after any white space. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (text.charCodeAt(at) <= 32) at++;
  return text[at] === ":";
}
