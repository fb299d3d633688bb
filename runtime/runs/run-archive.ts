// What the file of an exported run looks like: a tar whose first file, `gnomic-run.json`, lists every other
// one with its size and SHA-256, under a digest of its own (`seal`, against damage, not against people);
// `run/` is the run's folder, `store/blobs/` what it refers to in the store. Archives of before have
// `store/artefacts/` as well.
// The trap: the list is what an import checks everything against, so nothing outside it is unpacked.
import { Effect, Schema } from "effect";
import { digestJson } from "../../lib/canonical-json.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { isThere } from "../../lib/look.ts";
import { pathFinding } from "../../lib/tar.ts";

export class RunArchiveFault extends fault("RunArchiveFault", "user") {}

/** All of it is there, but the disk did not say that its name is kept. */
export class NotSettled extends fault("NotSettled", "world") {}

/** What failed at `path`, where nothing was before: once it has its name, the same command would refuse it. */
export const wholeIfThere = (path: string) => (cause: Fault): Effect.Effect<never, Fault> =>
  Effect.flatMap(isThere(path), (isWhole) =>
    Effect.fail(
      isWhole
        ? new NotSettled({
          file: path,
          wanted: "the disk to confirm that it keeps this name",
          found: cause.found,
          fix: "It is whole, and nothing is left to do unless the machine loses power now. " +
            "Check the disk.",
          cause,
        })
        : cause,
    ));

export const indexPath = "gnomic-run.json";

export const ArchiveIndex = Schema.Struct({
  format: Schema.Literal(1),
  /** The name of the run's folder. */
  run: Schema.String.check(
    Schema.makeFilter((name) => !/^\.|\//.test(name) && pathFinding(name) === null),
  ),
  /** Which tool made it, e.g. "gnomic 0.1.0". */
  tool: Schema.String,
  /** By path in the archive. */
  files: Schema.Record(
    Schema.String,
    Schema.Struct({ bytes: Schema.Int, digest: Schema.String }),
  ),
});
export type ArchiveIndex = typeof ArchiveIndex.Type;

const Sealed = Schema.fromJsonString(Schema.Struct({ seal: Schema.String, index: ArchiveIndex }));
const decodeSealed = Schema.decodeUnknownSync(Sealed);

export const sealIndex = (index: ArchiveIndex): string =>
  `${JSON.stringify({ seal: digestJson(index), index }, null, 1)}\n`;

/** Undefined: of another form, or changed. */
export function unsealIndex(text: string): ArchiveIndex | undefined {
  try {
    const { seal, index } = decodeSealed(text);
    return seal === digestJson(index) ? index : undefined;
  } catch {
    return undefined;
  }
}

/** Where a file of the archive belongs. */
export type Place =
  | { readonly in: "run"; readonly path: string }
  | { readonly in: "blobs"; readonly digest: string }
  | { readonly in: "artefacts" };

/** Undefined: nothing that an export writes. */
export function placeOf(path: string): Place | undefined {
  const run = /^run\/(?!\.events-index)(.+)$/.exec(path);
  if (run !== null) return { in: "run", path: run[1] };
  const blob = /^store\/blobs\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/.exec(path);
  if (blob !== null) return { in: "blobs", digest: blob[2] };
  return /^store\/artefacts\/[0-9a-f]{64}\.json$/.test(path) ? { in: "artefacts" } : undefined;
}
