// The blobs that an encoded artefact refers to: wherever in its JSON `{digest, bytes}` stands. So the
// store knows what an entry needs without asking the stage.
import type { Blob } from "../artefact.ts";

const isBlob = (value: object): value is Blob =>
  Object.keys(value).length === 2 &&
  "digest" in value && typeof value.digest === "string" && /^[0-9a-f]{64}$/.test(value.digest) &&
  "bytes" in value && typeof value.bytes === "number";

/** Each once, in the order of appearance. */
export function blobsIn(json: unknown): readonly Blob[] {
  const found = new Map<string, Blob>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if (isBlob(value)) found.set(value.digest, { digest: value.digest, bytes: value.bytes });
    else Object.values(value).forEach(visit);
  };
  visit(json);
  return [...found.values()];
}
