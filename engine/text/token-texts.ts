// The readable text of a token of a byte-level BPE vocabulary, for showing which words are near.
// The trap: tokens spell bytes, each byte as one printable character, so a token may be part of a
// character in UTF-8; such a part shows as U+FFFD.

/** GPT-2's map: printable Latin-1 bytes stand for themselves, the others for U+0100 and on. */
const byteOf: ReadonlyMap<string, number> = (() => {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return new Map(Array.from({ length: 256 }, (_, byte) => [
    String.fromCharCode(printable(byte) ? byte : next++),
    byte,
  ]));
})();

const decoder = new TextDecoder();

/** A piece that does not end a word ends in "-". */
export function tokenText(token: string): string {
  if (/^<\|.*\|>$/.test(token)) return token;
  const ends = token.endsWith("</w>") && token !== "</w>";
  const characters = [...(ends ? token.slice(0, -4) : token)];
  const bytes = Uint8Array.from(characters, (character) => byteOf.get(character) ?? 63);
  return decoder.decode(bytes) + (ends ? "" : "-");
}
