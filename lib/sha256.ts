// SHA-256 in hex, of bytes at hand or of bytes that come in chunks.
import { createHash } from "node:crypto";

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

/** For bytes that come as they come: `update` with each, then `digest("hex")`. */
export const newSha256 = () => createHash("sha256");

export async function sha256OfChunks(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}
