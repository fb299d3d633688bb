// That a step's validation has been dealt with: a small file beside its pictures. Present means done or
// failed for good; absent means due. The trap: written last, when every picture is on disk, and before it
// is said; so a resumed run says again what it finds here.
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { atomicWrite } from "../../lib/atomic-write.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";

export const ValidationRecord = Schema.Struct({
  step: Schema.Int,
  epoch: Schema.Int,
  outcome: Schema.Literals(["done", "failed"]),
  prompts: Schema.Array(Schema.String),
  seconds: Schema.optionalKey(Schema.Finite),
  error: Schema.optionalKey(Schema.String),
  following: Schema.optionalKey(Schema.Array(Schema.Struct({
    pooling: Schema.String,
    mean: Schema.Finite,
    error: Schema.Finite,
  }))),
});
export type ValidationRecord = typeof ValidationRecord.Type;

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(ValidationRecord));
const recordPath = (folder: string) => join(folder, "validation.json");

/** Null: it is due (or the record is damaged, which is the same). */
export const readRecord = (folder: string): Effect.Effect<ValidationRecord | null> =>
  Effect.flatMap(Files, (files) => files.readFileString(recordPath(folder))).pipe(
    Effect.flatMap(decode),
    Effect.orElseSucceed(() => null),
  );

export const writeRecord = (folder: string, record: ValidationRecord): Effect.Effect<void, Fault> =>
  atomicWrite(recordPath(folder), `${JSON.stringify(record, null, 1)}\n`);
