// Keeps the books of one run's checkpoints: what is written, what awaits validation, what may go.
// The trap: a file is written again only where it is missing or damaged, and never once it was pruned.
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { embeddingFields } from "../../config/embedding.ts";
import { triggerOf } from "../../config/trigger.ts";
import { outputFields } from "../../config/outputs.ts";
import {
  type Rows,
  type Snapshot,
  stepName,
  unpackRows,
} from "../../inversion/artefacts/snapshots.ts";
import { snapshotRows } from "../../inversion/snapshot-rows.ts";
import { asFault } from "../../lib/as-fault.ts";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { sha256 } from "../../lib/sha256.ts";
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
    const disk = yield* Files;
    const trigger = triggerOf(options.placeholder_token);
    const before = yield* readRecords(runDir);
    const unharmed = new Set(before.files.map(({ path }) => path));
    for (const path of yield* damaged(runDir, before)) unharmed.delete(path);
    for (const { path, lost = false } of before.files) if (lost) unharmed.delete(path);
    const files = new Map(before.files.map((file) => [file.path, file]));
    const awaiting = new Set<number>();
    let heard = -1;
    let bestStep: number | null = null;
    let last = false;
    yield* makeFolder(join(runDir, "checkpoints"));

    const save = (complete: boolean) =>
      Effect.suspend(() =>
        writeRecords(runDir, { complete, files: [...files.values()].toSorted(byPath) })
      );

    const lose = (path: string, step: number) =>
      Effect.gen(function* () {
        if (files.get(path)?.lost) return;
        const text =
          `${path} is lost: the rows of step ${step} are in no file of the run any more.`;
        yield* tools.emit({ event: "warning", text });
        files.set(path, { path, step, digest: "", pruned: false, lost: true });
        unharmed.delete(path);
        yield* save(false);
      });

    const write = (path: string, step: number, epoch: number, rows: Rows, best: boolean) =>
      Effect.gen(function* () {
        const known = files.get(path);
        if (known?.pruned === true) return;
        const said = tools.emit({ event: "checkpoint", step, epoch, path, best });
        if (known !== undefined && unharmed.has(path)) {
          // Snapshots come again from the first, and the best file is of a later one by now.
          if (known.step > step) return;
          if (known.step === step) return yield* said;
        }
        const packed = yield* snapshotRows(tools, rows);
        if (packed === null) return yield* lose(path, step);
        const unpacked = unpackRows(rows, packed);
        const facts = { trigger, step, epoch, run: tools.run };
        const bytes = yield* Effect.promise(() => embeddingBytes(unpacked, rows.vectors, facts));
        const digest = sha256(bytes);
        yield* atomicWrite(join(runDir, path), bytes, { what: "a checkpoint" });
        files.set(path, { path, step, digest, pruned: false });
        unharmed.add(path);
        yield* save(false);
        yield* said;
      });

    /** Removes what is recorded as pruned. */
    const remove = ({ path, step }: Pick<FileRecord, "path" | "step">) =>
      Effect.andThen(
        Effect.mapError(disk.remove(join(runDir, path), { force: true }), asFault),
        tools.emit({ event: "checkpoint-pruned", step, path }),
      );
    // A kill may have come between the record and the removal.
    yield* Effect.forEach(before.files.filter(({ pruned }) => pruned), remove, { discard: true });

    const prune = Effect.gen(function* () {
      const kept = [...files.values()]
        .filter(({ path, pruned, lost = false }) =>
          !pruned && !lost && path.startsWith("checkpoints/")
        )
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

const byPath = (a: FileRecord, b: FileRecord) => a.path < b.path ? -1 : 1;
