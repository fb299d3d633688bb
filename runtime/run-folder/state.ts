// The state of a run: a few small arrays and texts in `state.safetensors`, replaced as a whole after every
// finished step. A crash at any moment leaves the state before or the state after. It says of which run it
// is (`run`, see run-origin.ts) and carries the SHA-256 of its whole file, taken with 64 zeros in its place.
// The trap: `step` must be in the metadata; the list of runs and the plan read it from there.
import { join } from "node:path";
import { Effect, Result, Schema } from "effect";
import { safetensorsBytes } from "../../lib/safetensors/safetensors-bytes.ts";
import {
  parseSafetensors,
  readHeader,
  type StoredTensor,
  type TensorToWrite,
} from "../../lib/safetensors/safetensors.ts";
import { atomicWrite } from "../../lib/atomic-write.ts";
import { asFault } from "../../lib/as-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { bytesUnlessAbsent } from "../../lib/look.ts";
import { sha256 } from "../../lib/sha256.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { stateName } from "./run-files.ts";
import { type RunOrigin, RunOriginJson } from "./run-origin.ts";

/** A state that is not what was written. Nobody may go on from it. */
export class DamagedState extends fault("DamagedState", "world") {}

export interface SavedState {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What was saved, without what says how it was. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Finished steps. */
  readonly step: number;
  /** Null: an older gnomic wrote it, which kept neither digest nor origin in it. */
  readonly origin: RunOrigin | null;
}

export const stateFile = (runDir: string): string => join(runDir, stateName);

export const damagedState = (runDir: string, found: string): Fault =>
  new DamagedState({
    file: stateFile(runDir),
    wanted: "the training state as it was written",
    found,
    fix:
      "Put an unharmed copy of this file in its place, or delete it: the same command then begins at " +
      "step 0 with the same seed.",
  });

const key = '"digest":"';
const zeros = "0".repeat(64);

/** Where in the file's bytes its digest stands; -1: nowhere. */
function digestPlace(bytes: Uint8Array): number {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 8) return -1;
  const place = file.indexOf(key);
  return place < 0 || place > 8 + Number(file.readBigUInt64LE(0)) ? -1 : place + key.length;
}

/** The same bytes, with their digest in place of the zeros. */
export function sealed(bytes: Uint8Array): Uint8Array {
  bytes.set(new TextEncoder().encode(sha256(bytes)), digestPlace(bytes));
  return bytes;
}

function isSealed(bytes: Uint8Array, digest: string): boolean {
  const place = digestPlace(bytes);
  if (place < 0) return false;
  const blank = Uint8Array.from(bytes);
  blank.set(new TextEncoder().encode(zeros), place);
  return sha256(blank) === digest;
}

/** Replaces the state of `runDir`; on failure the old one stays. Not interrupted half-way. */
export const saveState = (
  runDir: string,
  origin: RunOrigin,
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> & { readonly step: string },
): Effect.Effect<void, Fault> =>
  Effect.gen(function* () {
    const run = Schema.encodeSync(RunOriginJson)(origin);
    const all = { ...metadata, digest: zeros, run };
    const bytes = yield* tryPromise(() => safetensorsBytes(tensors, all, stateFile(runDir)));
    yield* atomicWrite(stateFile(runDir), sealed(bytes), { what: "the training state" });
  }).pipe(Effect.uninterruptible);

/** A number as `saveState` was given it, and no other way to write one. */
const stepOf = (text: string | undefined): number | null => {
  const step = Number(text);
  return Number.isSafeInteger(step) && step >= 0 && String(step) === text ? step : null;
};

const parsed = (bytes: Uint8Array, file: string, bad: (found: string) => Fault) => {
  try {
    return parseSafetensors(bytes, file);
  } catch (cause) {
    throw bad(asFault(cause).found);
  }
};

/** Of one reading: a training that goes on replaces the file meanwhile. */
function decoded(runDir: string, bytes: Uint8Array): SavedState {
  const file = stateFile(runDir);
  const bad = (found: string) => damagedState(runDir, found);
  const { metadata: { digest, run, ...metadata }, stored: tensors } = parsed(bytes, file, bad);
  // What is cut out of a file with a digest does not make it one of before there were digests.
  if (digest === undefined && run !== undefined) throw bad("one without its digest");
  if (digest !== undefined && !isSealed(bytes, digest)) {
    throw bad("other bytes than its digest says");
  }
  const step = stepOf(metadata.step);
  if (step === null) throw bad(`step ${JSON.stringify(metadata.step) ?? "nowhere"}`);
  const origin = run === undefined ? null : Schema.decodeUnknownResult(RunOriginJson)(run);
  if (origin !== null && Result.isFailure(origin)) throw bad("one of another version of gnomic");
  return { tensors, metadata, step, origin: origin?.success ?? null };
}

/** Null: there is none yet. A damaged one is a fault that names the file. */
export const loadState = (runDir: string): Effect.Effect<SavedState | null, Fault> =>
  Effect.flatMap(
    bytesUnlessAbsent(stateFile(runDir), "to read the training state"),
    (bytes) =>
      bytes === undefined
        ? Effect.succeed(null)
        : tryPromise(() => decoded(runDir, new Uint8Array(bytes))),
  );

/** Which run the state is of; null: no state that can be read, or one that says nothing of it. */
export const savedOrigin = (runDir: string): Effect.Effect<RunOrigin | null> =>
  loadState(runDir).pipe(
    Effect.map((state) => state?.origin ?? null),
    Effect.orElseSucceed(() => null),
  );

/** The finished steps that a state's bytes tell; null: none that can be read. */
export const stepIn = (bytes: Uint8Array): number | null => {
  try {
    return stepOf(parseSafetensors(bytes, stateName).metadata.step);
  } catch {
    return null;
  }
};

/** The finished steps of a run; null: none, or no state that can be read. Does not read it whole. */
export const savedStep = (runDir: string): Effect.Effect<number | null> =>
  Effect.promise(async () => {
    try {
      return stepOf((await readHeader(stateFile(runDir))).metadata.step);
    } catch {
      return null;
    }
  });
