import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect, Schema } from "effect";
import { type AnyArtefactType, artefact, drafted, optional, stream } from "../artefact.ts";
import { type AnyStage, defineStage } from "../stage.ts";
import type { StageUse } from "./pipeline.ts";
import { plain } from "../testing/toy-stages.ts";
import { wire } from "./wiring.ts";

const words = artefact("words", Schema.Array(Schema.String));
const counts = artefact("counts", Schema.Struct({ total: Schema.Int }));
const wideCounts = artefact("counts", Schema.Struct({ total: Schema.String }));
const ticks = stream("ticks", Schema.Int);
const tickValue = artefact("ticks", Schema.Int);

const toy = (
  name: string,
  reads: Record<string, AnyArtefactType>,
  writes: Record<string, AnyArtefactType>,
): AnyStage =>
  defineStage({
    ...plain,
    name,
    reads,
    writes,
    lifetime: [...Object.values(reads), ...Object.values(writes)]
        .some(({ kind }) => kind === "stream")
      ? "run"
      : "cached",
    run: () => Effect.succeed({} as never),
  });

const wired = (stages: Record<string, readonly [AnyStage, StageUse["reads"]?]>) =>
  wire(
    Object.entries(stages).map(([id, [stage, reads]]) => ({
      id,
      stage,
      use: { use: id, ...(reads === undefined ? {} : { reads }) },
    })),
    (key) => ({ file: "toy.yaml", line: key.length }),
  );
const complaint = async (stages: Parameters<typeof wired>[0]) =>
  (await Effect.runPromise(Effect.flip(wired(stages)))).message;

const read = toy("read", {}, { words });
const count = toy("count", { words }, { counts });

test("an input finds its only writer, whatever the order in the file", async () => {
  const order = await Effect.runPromise(wired({ count: [count], read: [read] }));
  assert.deepEqual(order.map(({ id }) => id), ["read", "count"]);
  assert.deepEqual(order[1].reads, { words: { stage: "read", port: "words" } });
});

test("a stage between two others does not read itself, and its neighbours must choose", async () => {
  const upper = toy("upper", { words }, { words });
  const stages = { read: [read], upper: [upper] } as const;
  const order = await Effect.runPromise(
    wired({ ...stages, count: [count, { words: "upper.words" }] }),
  );
  assert.deepEqual(order.map(({ id }) => id), ["read", "upper", "count"]);
  assert.match(
    await complaint({ ...stages, count: [count] }),
    /input words of count, found several \(read\.words, upper\.words\).*reads: \{ words: read\.words \}/,
  );
});

test("a wrong type names both stages and the field", async () => {
  const report = toy("report", { counts: wideCounts }, {});
  assert.match(
    await complaint({ read: [read], count: [count], report: [report] }),
    /counts\.total as string for the input counts of report, found integer from count\.counts/,
  );
});

test("another artefact, another kind, an unknown port: all said at once, with lines and guesses", async () => {
  const message = await complaint({
    read: [read],
    count: [count, { words: "read.wrds", word: "read.words" }],
    late: [count, { words: "count.counts" }],
    clock: [toy("clock", {}, { ticks })],
    listen: [toy("listen", { ticks: tickValue }, {}), { ticks: "clock.ticks" }],
  });
  assert.match(message, /^4 problems/);
  assert.match(message, /toy\.yaml:\d+ stages\.count\.reads\.words: .*Did you mean read\.words\?/);
  assert.match(message, /stages\.count\.reads\.word: .*Did you mean words\?/);
  assert.match(message, /words for the input words of late, found counts from count\.counts/);
  assert.match(message, /ticks as a value .* found a stream from clock\.ticks/);
});

test("an optional input may be left unwired, and is wired where there is a writer", async () => {
  const watch = toy("watch", { words, counts: optional(counts) }, {});
  const alone = await Effect.runPromise(wired({ read: [read], watch: [watch] }));
  assert.deepEqual(Object.keys(alone[1].reads), ["words"]);
  const both = await Effect.runPromise(wired({ read: [read], count: [count], watch: [watch] }));
  assert.deepEqual(both[2].reads.counts, { stage: "count", port: "counts" });
});

test("a stage with a stream cannot be cached", async () => {
  const clock: AnyStage = { ...toy("clock", {}, { ticks }), lifetime: "cached" };
  assert.match(await complaint({ clock: [clock] }), /clock to have lifetime "run"/);
});

test("a stage that reads drafts cannot be cached, and holds nothing; one that shows them may", async () => {
  const show = toy("show", {}, { words: drafted(words) });
  const peek: AnyStage = toy("peek", { words: drafted(words) }, {});
  assert.match(await complaint({ show: [show], peek: [peek] }), /peek to have lifetime "run"/);
  const held: AnyStage = { ...peek, lifetime: "run", resources: { card: 1 } };
  assert.match(await complaint({ show: [show], peek: [held] }), /no resources for peek/);
  await Effect.runPromise(wired({ show: [show], count: [count] }));
});

test("a circle is said by its members", async () => {
  const there = toy("there", { words }, { counts });
  const back = toy("back", { counts }, { words });
  assert.match(await complaint({ there: [there], back: [back] }), /circle among there, back/);
});
