// The result of a "run" stage: what it returned is recorded in the run's folder, and recalled from there
// once the stage owes nothing any more.
import { Effect, Schema } from "effect";
import { digestJson } from "../../lib/canonical-json.ts";
import type { Readied } from "../plan/assess.ts";
import { readRecord, removeRecord, type Returned, writeRecord } from "./stage-record.ts";
import { valuePorts } from "./stage-result.ts";
import { type Due, type Finished, performStage, type Work } from "./stage-work.ts";

const digestsOf = (record: Returned): Finished["outputs"] =>
  Object.fromEntries(Object.entries(record).map(([port, json]) => [port, digestJson(json)]));

/** What a stage of the run folder that owes nothing returned once. */
export const recall = Effect.fnUntraced(function* (readied: Readied, work: Work) {
  const record = (yield* readRecord(work.runDir, readied.id)) ?? {};
  for (const [port, type] of valuePorts(readied)) {
    yield* work.slots.fill({ stage: readied.id, port }, {
      digest: digestJson(record[port]),
      load: Effect.orDie(Schema.decodeUnknownEffect(type.schema)(record[port])),
    });
  }
  return { cached: true, outputs: digestsOf(record) } satisfies Finished;
});

export const makeAndRecord = Effect.fnUntraced(function* (due: Due, work: Work) {
  const { id } = due.readied;
  yield* removeRecord(work.runDir, id);
  const made = yield* performStage(due, work);
  const record: Returned = Object.fromEntries(made.map(({ port, json }) => [port, json]));
  yield* writeRecord(work.runDir, id, record);
  for (const { port, value, json } of made) {
    yield* work.slots.fill({ stage: id, port }, {
      digest: digestJson(json),
      load: Effect.succeed(value),
    });
  }
  return { cached: false, outputs: digestsOf(record) } satisfies Finished;
});
