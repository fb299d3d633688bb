// `stages/<id>.json`: the values that a finished "run" stage returned, encoded, by port, for stages that read
// them on a later attempt. It says that the stage returned and was not asked to run since.
// The trap: whether the stage still owes something is for its `remainingWork` to say.
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { diskFault } from "../../lib/disk-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";

const Returned = Schema.Record(Schema.String, Schema.Json);
export type Returned = typeof Returned.Type;

const ReturnedJson = Schema.fromJsonString(Returned);
const path = (runDir: string, id: string) => join(runDir, "stages", `${id}.json`);

/** Null if it never returned (or the record is damaged, which is the same). */
export const readRecord = (runDir: string, id: string): Effect.Effect<Returned | null> =>
  Effect.flatMap(Files, (files) => files.readFileString(path(runDir, id))).pipe(
    Effect.flatMap(Schema.decodeEffect(ReturnedJson)),
    Effect.orElseSucceed(() => null),
  );

export const writeRecord = (
  runDir: string,
  id: string,
  returned: Returned,
): Effect.Effect<void, Fault> =>
  Effect.andThen(
    makeFolder(join(runDir, "stages")),
    atomicWrite(path(runDir, id), `${JSON.stringify(returned)}\n`),
  );

/** Before the stage runs again: were it killed now, it would not have returned. */
export const removeRecord = (runDir: string, id: string): Effect.Effect<void, Fault> =>
  Effect.flatMap(Files, (files) => files.remove(path(runDir, id), { force: true })).pipe(
    Effect.mapError(diskFault(path(runDir, id), "to run this stage again")),
  );
