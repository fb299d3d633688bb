// checkpoint: the rows of each due step as a file that every client loads, the final file named by its
// trigger, and the best one. Runs beside the training. Whatever is damaged or missing is written again
// from the snapshots, without training.
// The trap: the best step may not be among the saved ones, so the best rows have a file of their own.
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Effect, Schema, Stream } from "effect";
import { embeddingFields } from "../../config/embedding.ts";
import { triggerOf } from "../../config/placeholder.ts";
import { outputFields } from "../../config/outputs.ts";
import { asFault } from "../../runtime/as-fault.ts";
import { atomicWrite } from "../../runtime/store/atomic-write.ts";
import {
  type Rows,
  type Snapshot,
  snapshots,
  unpackRows,
} from "../../runtime/artefacts/snapshots.ts";
import { stepName } from "../../runtime/artefacts/step-name.ts";
import { type Validation, validations } from "../../runtime/artefacts/validations.ts";
import { optional } from "../../runtime/artefact.ts";
import { sha256 } from "../../runtime/store/canonical-json.ts";
import { defineStage, type StageTools } from "../../runtime/stage.ts";
import { embeddingBytes } from "./embedding-bytes.ts";
import { toPrune } from "./prune.ts";
import { damaged, type FileRecord, readRecords, writeRecords } from "./record.ts";

const Options = Schema.Struct({
  placeholder_token: embeddingFields.placeholder_token,
  max_checkpoints: outputFields.max_checkpoints,
});

export const checkpoint = defineStage({
  name: "checkpoint",
  version: 1,
  summary: "Writes checkpoints, the best and the final embedding",
  options: Options,
  reads: { snapshots, validations: optional(validations) },
  writes: {},
  lifetime: "run",
  supervised: true,

  owed: (_options, { runDir }) =>
    Effect.gen(function* () {
      const records = yield* readRecords(runDir);
      const bad = yield* damaged(runDir, records);
      if (bad.length > 0) return { why: `${bad.join(", ")} missing or damaged` };
      return records.complete ? null : { why: "not all checkpoints are written" };
    }),

  run: ({ options, inputs, tools }) =>
    Effect.gen(function* () {
      const desk = yield* openDesk(options, tools);
      const none: Stream.Stream<Validation> = Stream.empty;
      const both = Stream.merge(
        Stream.map(inputs.snapshots, (snapshot) => desk.snapshot(snapshot)),
        Stream.map(inputs.validations ?? none, ({ step }) => desk.validated(step)),
      );
      yield* Stream.runForEach(both, (work) => work);
      yield* desk.finish;
      return {};
    }),
});

export default checkpoint;

/** Keeps the books of one run: what is written, what awaits validation, what may go. */
const openDesk = (options: typeof Options.Type, tools: StageTools) =>
  Effect.gen(function* () {
    const { runDir } = tools;
    const trigger = triggerOf(options.placeholder_token);
    const before = yield* readRecords(runDir);
    const unharmed = new Set(before.files.map(({ path }) => path));
    for (const path of yield* damaged(runDir, before)) unharmed.delete(path);
    const files = new Map(before.files.map((file) => [file.path, file]));
    const awaiting = new Set<number>();
    let bestStep: number | null = null;
    let last = false;
    yield* Effect.tryPromise({
      try: () => mkdir(join(runDir, "checkpoints"), { recursive: true }),
      catch: asFault,
    });

    const save = (complete: boolean) =>
      writeRecords(runDir, { complete, files: [...files.values()].toSorted(byPath) });

    const write = (path: string, step: number, epoch: number, rows: Rows, best: boolean) =>
      Effect.gen(function* () {
        const known = files.get(path);
        if (known?.pruned === true) return;
        const bytes = yield* Effect.flatMap(tools.get(rows.blob), (blob) =>
          Effect.promise(() =>
            embeddingBytes(unpackRows(rows, blob), rows.vectors, {
              trigger,
              step,
              epoch,
              run: tools.run,
            })
          ));
        const digest = sha256(bytes);
        if (known?.digest === digest && unharmed.has(path)) {
          return;
        }
        yield* Effect.tryPromise({
          try: () =>
            mkdir(dirname(join(runDir, path)), { recursive: true }),
          catch: asFault,
        });
        yield* atomicWrite(join(runDir, path), bytes, { what: "a checkpoint" });
        files.set(path, { path, step, digest, pruned: false });
        unharmed.add(path);
        yield* save(false);
        yield* tools.emit({ event: "checkpoint", step, epoch, path, best });
      });

    const prune = Effect.gen(function* () {
      const kept = [...files.values()]
        .filter(({ path, pruned }) =>
          !pruned && path.startsWith("checkpoints/")
        )
        .map(({ path, step }) => ({ path, step, awaitsValidation: awaiting.has(step) }));
      for (const { path, step } of toPrune(kept, options.max_checkpoints, bestStep)) {
        files.set(path, { ...files.get(path)!, pruned: true });
        yield* save(false);
        yield* Effect.tryPromise({
          try: () => rm(join(runDir, path), { force: true }),
          catch: asFault,
        });
        yield* tools.emit({ event: "checkpoint-pruned", step, path });
      }
    });

    const snapshot = (of: Snapshot) =>
      Effect.gen(function* () {
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
