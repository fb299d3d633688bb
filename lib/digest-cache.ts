// SHA-256 of files, remembered by path and stamp, so that pictures and blobs are read once and not at
// every start. It is a cache: losing or breaking it costs time, nothing else. (Weights, which many output
// folders share, are remembered for the user: engine/weights/weight-file.ts.)
// The trap: a file touched just now is not kept (file-stamp.ts says why).
import { type BigIntStats, createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Clock, Effect, Schema } from "effect";
import { isSettled, stampOf } from "./file-stamp.ts";
import { diskFault, errnoOf } from "./disk-fault.ts";
import { type Fault, fault } from "./fault.ts";
import { Files } from "./files.ts";
import { sha256OfChunks } from "./sha256.ts";
import type { SharedWrite } from "./shared-write.ts";

export class FileMissing extends fault("FileMissing", "user") {}

const Remembered = Schema.Record(
  Schema.String,
  Schema.Struct({ stamp: Schema.String, digest: Schema.String }),
);
const decodeRemembered = Schema.decodeUnknownEffect(Schema.fromJsonString(Remembered));

export interface DigestCache {
  /** SHA-256 in hex. Fails with `FileMissing` or `DiskFault`. */
  readonly digestFile: (path: string) => Effect.Effect<string, Fault>;
  /** Tells the digest of a file that was just written and will not be written again. */
  readonly remember: (path: string, digest: string) => Effect.Effect<void, Fault>;
  /** Writes what was learnt, if anything was. */
  readonly save: Effect.Effect<void, Fault>;
}

const hashFile = (path: string, signal: AbortSignal): Promise<string> =>
  sha256OfChunks(createReadStream(path, { highWaterMark: 1 << 20, signal }));

const readFault = (path: string) => (cause: unknown): Fault =>
  ["ENOENT", "ELOOP"].includes(errnoOf(cause))
    ? new FileMissing({
      file: path,
      wanted: "a file",
      found: errnoOf(cause) === "ENOENT" ? "nothing" : "symbolic links in a circle",
      fix: "Check the path.",
      cause,
    })
    : diskFault(path, "to read this file")(cause as Error);

/** `file` is where the digests are remembered. */
export const openDigestCache = Effect.fnUntraced(function* (file: string, write: SharedWrite) {
  const files = yield* Files;
  const known = yield* files.readFileString(file).pipe(
    Effect.flatMap(decodeRemembered),
    Effect.orElseSucceed(() => ({})),
  );
  const remembered = new Map(Object.entries(known));
  let learnt = false;

  const look = (path: string) =>
    Effect.tryPromise({ try: () => stat(path, { bigint: true }), catch: readFault(path) });

  const keep = (path: string, info: BigIntStats, digest: string) => {
    remembered.set(path, { stamp: stampOf(info), digest });
    learnt = true;
  };

  const remember = (given: string, digest: string) =>
    Effect.map(look(resolve(given)), (info) => keep(resolve(given), info, digest));

  const digestFile = Effect.fnUntraced(function* (given: string) {
    const path = resolve(given);
    const now = yield* Clock.currentTimeMillis;
    const info = yield* look(path);
    const before = remembered.get(path);
    if (before?.stamp === stampOf(info)) return before.digest;
    const digest = yield* Effect.tryPromise({
      try: (signal) => hashFile(path, signal),
      catch: readFault(given),
    });
    if (isSettled(info, now)) keep(path, info, digest);
    return digest;
  });

  const save = Effect.suspend(() => {
    if (!learnt) return Effect.void;
    learnt = false;
    return write(file, JSON.stringify(Object.fromEntries(remembered)), "the digests");
  });
  return { digestFile, remember, save } satisfies DigestCache;
});
