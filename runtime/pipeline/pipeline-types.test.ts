// What must not compile. `deno check` fails if one of these compiles after all; run as a test, the file
// checks that the compositions which do compile are also accepted when they are wired.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect, Schema, Stream } from "effect";
import { artefact, optional, stream } from "../artefact.ts";
import { defineStage } from "../stage.ts";
import { pipeline } from "./compose.ts";
import { wire } from "./wiring.ts";

const words = artefact("words", Schema.Array(Schema.String));
const counts = artefact("counts", Schema.Struct({ total: Schema.Int }));
const otherCounts = artefact("counts", Schema.Struct({ total: Schema.String }));
const ticks = stream("ticks", Schema.Int);
const options = Schema.Struct({ delimiter: Schema.String });
const cached = { version: 1, summary: "toy", options, lifetime: "cached" } as const;

const read = defineStage({
  ...cached,
  name: "read",
  reads: {},
  writes: { words },
  run: ({ options }) => Effect.succeed({ words: "a b".split(options.delimiter) }),
});
const count = defineStage({
  ...cached,
  lifetime: "run",
  name: "count",
  reads: { words },
  writes: { counts, ticks },
  run: ({ inputs, writers }) =>
    Effect.as(writers.ticks(1), { counts: { total: inputs.words.length } }),
});
const report = defineStage({
  ...cached,
  lifetime: "run",
  name: "report",
  reads: { counts, ticks },
  writes: {},
  run: ({ inputs }) => Effect.as(Stream.runDrain(inputs.ticks), {}),
});

export const right = pipeline("toy")
  .stage("read", read)
  .stage("count", count, { words: "read.words" }, { retry: { times: 1, backoffSeconds: 1 } })
  .stage("report", report, { counts: "count.counts", ticks: "count.ticks" });

const watch = defineStage({
  ...cached,
  name: "watch",
  reads: { words, counts: optional(counts) },
  writes: {},
  run: ({ inputs }) => Effect.succeed(inputs.counts === undefined ? {} : {}),
});
export const withoutOptional = start().stage("watch", watch, { words: "read.words" });
export const withOptional = right.stage("watch", watch, {
  words: "read.words",
  counts: "count.counts",
});

test("a composition that compiles is one that is wired", async () => {
  const order = await Effect.runPromise(wire(right.steps, () => ({})));
  assert.deepEqual(order.map(({ id }) => id), ["read", "count", "report"]);
  assert.deepEqual(order[2].reads.ticks, { stage: "count", port: "ticks" });
});

function start() {
  return pipeline("toy").stage("read", read);
}
export const wrong = () => [
  start().stage("count", count, { words: "read.words" }).stage("again", count, {
    // @ts-expect-error counts cannot be read as words
    words: "count.counts",
  }),
  // @ts-expect-error there is no such stage
  start().stage("count", count, { words: "raed.words" }),
  // @ts-expect-error there is no such port
  start().stage("count", count, { words: "read.word" }),
  // @ts-expect-error an input is not wired
  start().stage("count", count),
  // @ts-expect-error a stage cannot read what comes after it
  pipeline("toy").stage("count", count, { words: "read.words" }).stage("read", read),
  start().stage("count", count, { words: "read.words" }).stage("report", report, {
    // @ts-expect-error a stream is not a value
    counts: "count.ticks",
    ticks: "count.ticks",
  }),
  start().stage("count", count, { words: "read.words" }).stage(
    "report",
    defineStage({
      ...cached,
      name: "report",
      reads: { counts: otherCounts },
      writes: {},
      run: () => Effect.succeed({}),
    }),
    // @ts-expect-error the same artefact by name, with another type of field
    { counts: "count.counts" },
  ),
  // @ts-expect-error an optional input is not wired to something else
  right.stage("watch", watch, { words: "read.words", counts: "read.words" }),
  // @ts-expect-error a dot in an id would be read as a port
  start().stage("my.count", count, { words: "read.words" }),
];

export const wrongStages = () => [
  defineStage({
    ...cached,
    name: "wrong",
    reads: { words },
    writes: { counts },
    // @ts-expect-error the result is not what `writes` declares
    run: () => Effect.succeed({ counts: { total: "three" } }),
  }),
  defineStage({
    ...cached,
    name: "wrong",
    reads: { words },
    writes: { counts },
    // @ts-expect-error an output is missing
    run: () => Effect.succeed({}),
  }),
  defineStage({
    ...cached,
    name: "wrong",
    reads: { words },
    writes: { ticks },
    // @ts-expect-error the stream's elements are numbers
    run: ({ writers }) => Effect.as(writers.ticks("x"), {}),
  }),
  defineStage({
    ...cached,
    name: "wrong",
    reads: { words },
    writes: {},
    // @ts-expect-error no such option
    run: ({ options }) => Effect.succeed(options.delimeter === "" ? {} : {}),
  }),
];
