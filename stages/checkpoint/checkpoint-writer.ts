// Keeps the books of one run's checkpoints: what is written, what awaits validation, what may go.
// The trap: a file is written again only where it is missing, damaged or of other rows (not for what a newer
// version says about itself), and never once it was pruned.
import { Buffer } from "node:buffer";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Effect, Schema } from "effect";
import { embeddingFields, triggerOf } from "../../config/embedding.ts";
import { outputFields } from "../../config/outputs.ts";
import {
  type Rows,
  type Snapshot,
  stepName,
  unpackRows,
} from "../../inversion/artefacts/snapshots.ts";
import { atomicWrite } from "../../lib/atomic-write.ts";
import type { Fault } from "../../lib/fault.ts";
import { sha256 } from "../../lib/sha256.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { embeddingBytes } from "./embedding-bytes.ts";
import { toPrune } from "./prune.ts";
import { damaged, type FileRecord, readRecords, writeRecords } from "./record.ts";

export const CheckpointOptions = Schema.Struct({
  placeholder_token: embeddingFields.placeholder_token,
  max_checkpoints: outputFields.max_checkpoints,
});
type CheckpointOptions = typeof CheckpointOptions.Type;

interface CheckpointWriter {
  /** Writes what is due of it. */
  readonly snapshot: (of: Snapshot) => Effect.Effect<void, Fault>;
  /** The pictures of a step are made, or failed for good. */
  readonly validated: (step: number) => Effect.Effect<void, Fault>;
  /** Nothing more will come. */
  readonly finish: Effect.Effect<void, Fault>;
}

export const openCheckpointWriter = (
  options: CheckpointOptions,
  tools: StageTools,
): Effect.Effect<CheckpointWriter, Fault> =>
  Effect.gen(function* () {
    const { runDir } = tools;
    const trigger = triggerOf(options.placeholder_token);
    const before = yield* readRecords(runDir);
    const unharmed = new Set(before.files.map(({ path }) => path));
    for (const path of yield* damaged(runDir, before)) unharmed.delete(path);
    const files = new Map(before.files.map((file) => [file.path, file]));
    const awaiting = new Set<number>();
    let heard = -1;
    let bestStep: number | null = null;
    let last = false;
    yield* tryPromise(() => mkdir(join(runDir, "checkpoints"), { recursive: true }));

    const save = (complete: boolean) =>
      Effect.suspend(() =>
        writeRecords(runDir, { complete, files: [...files.values()].toSorted(byPath) })
      );

    const write = (path: string, step: number, epoch: number, rows: Rows, best: boolean) =>
      Effect.gen(function* () {
        const known = files.get(path);
        if (known?.pruned === true) return;
        // Snapshots come again from the first, and the best file is of a later one by now.
        if (known !== undefined && known.step > step && unharmed.has(path)) return;
        const unpacked = unpackRows(rows, yield* tools.get(rows.blob));
        const facts = { trigger, step, epoch, run: tools.run };
        const bytes = yield* Effect.promise(() => embeddingBytes(unpacked, rows.vectors, facts));
        const digest = sha256(bytes);
        const same = unharmed.has(path) && (known?.digest === digest ||
          known?.step === step && (yield* holdsRows(join(runDir, path), bytes)));
        if (!same) {
          yield* tryPromise(() => mkdir(dirname(join(runDir, path)), { recursive: true }));
          yield* atomicWrite(join(runDir, path), bytes, { what: "a checkpoint" });
          files.set(path, { path, step, digest, pruned: false });
          unharmed.add(path);
          yield* save(false);
        }
        yield* tools.emit({ event: "checkpoint", step, epoch, path, best });
      });

    /** Removes what is recorded as pruned. */
    const remove = ({ path, step }: Pick<FileRecord, "path" | "step">) =>
      Effect.andThen(
        tryPromise(() => rm(join(runDir, path), { force: true })),
        tools.emit({ event: "checkpoint-pruned", step, path }),
      );
    // A kill may have come between the record and the removal.
    yield* Effect.forEach(before.files.filter(({ pruned }) => pruned), remove, { discard: true });

    const prune = Effect.gen(function* () {
      const kept = [...files.values()]
        .filter(({ path, pruned }) => !pruned && path.startsWith("checkpoints/"))
        // Of those still to be heard of again nobody knows yet whether one is the best.
        .filter(({ step }) => step <= heard)
        .map(({ path, step }) => ({ path, step, awaitsValidation: awaiting.has(step) }));
      for (const { path, step } of toPrune(kept, options.max_checkpoints, bestStep)) {
        files.set(path, { ...files.get(path)!, pruned: true });
        yield* save(false);
        yield* remove({ path, step });
      }
    });

    const snapshot = (of: Snapshot) =>
      Effect.gen(function* () {
        heard = Math.max(heard, of.step);
        if (of.validate !== null) awaiting.add(of.step);
        bestStep = of.best?.step ?? bestStep;
        if (of.save) {
          const path = `checkpoints/checkpoint-${stepName(of.epoch, of.step)}.safetensors`;
          yield* write(path, of.step, of.epoch, of.rows, false);
        }
        if (of.best !== null) {
          const { step, epoch, rows } = of.best;
          yield* write(`${trigger}-best.safetensors`, step, epoch, rows, true);
        }
        if (of.last) yield* write(`${trigger}.safetensors`, of.step, of.epoch, of.rows, false);
        last ||= of.last;
        yield* prune;
      });

    const validated = (step: number) => Effect.suspend(() => (awaiting.delete(step), prune));

    // Every validation that there is has been heard of by now, so nothing is waited for any more.
    const finish = Effect.suspend(() => {
      awaiting.clear();
      return Effect.andThen(prune, save(last));
    });

    return { snapshot, validated, finish };
  });

/** Whether the file ends in the tensors that `bytes` ends in. */
const holdsRows = (file: string, bytes: Uint8Array): Effect.Effect<boolean> =>
  tryPromise(() => readFile(file)).pipe(
    Effect.map((there) => tensorsIn(there).equals(tensorsIn(bytes))),
    Effect.orElseSucceed(() => false),
  );

/** What follows a safetensors file's header. */
function tensorsIn(bytes: Uint8Array): Buffer {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return all.subarray(8 + Number(all.readBigUInt64LE(0)));
}

const byPath = (a: FileRecord, b: FileRecord) => a.path < b.path ? -1 : 1;
