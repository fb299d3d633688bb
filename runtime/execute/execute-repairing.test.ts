import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Schema, Stream } from "effect";
import { Blob, stream } from "../artefact.ts";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { plain } from "../testing/toy-stages.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { eventsOf, runToy } from "../testing/toy-world.ts";

const marks = stream("marks", Schema.Struct({ step: Schema.Int, rows: Blob }));
const inRun = { ...plain, lifetime: "run" } as const;

test("a lost blob of a stream: the stage that said it is asked for it, though it owes nothing", () =>
  withTemporaryFolder(async (folder) => {
    const work: string[] = [];
    let complete = false;
    const train = defineStage({
      ...inRun,
      name: "train",
      reads: {},
      writes: { marks },
      remainingWork: () => Effect.succeed(complete ? null : { why: "not trained" }),
      run: ({ writers, tools }) =>
        Effect.gen(function* () {
          work.push("train");
          const rows = yield* tools.put(new TextEncoder().encode("rows"));
          yield* writers.marks({ step: 1, rows });
          complete = true;
          return {};
        }),
    });
    const write = defineStage({
      ...inRun,
      name: "write",
      reads: { marks },
      writes: {},
      remainingWork: () => Effect.succeed({ why: "the final file is missing" }),
      run: ({ inputs, tools }) =>
        Effect.as(
          Stream.runForEach(inputs.marks, ({ rows }) =>
            Effect.map(tools.get(rows), (bytes) =>
              void work.push(new TextDecoder().decode(bytes)))),
          {},
        ),
    });
    const composed = pipeline("toy").stage("train", train).stage("write", write, {
      marks: "train.marks",
    });
    await runToy({ folder, pipeline: composed });
    assert.deepEqual(work, ["train", "rows"]);

    await runToy({ folder, pipeline: composed });
    assert.deepEqual(work, ["train", "rows", "rows"], "rebuilt from the stream, without training");

    const run = readdirSync(join(folder, "output")).find((name) => name.startsWith("toy-"))!;
    rmSync(join(folder, "output", run, "blobs"), { recursive: true });
    const third = await runToy({ folder, pipeline: composed });
    assert.equal(third.ending.ending, "complete");
    assert.deepEqual(work, ["train", "rows", "rows", "train", "rows"]);
    assert.match(eventsOf(third, "warning")[0].text, /made again now/);
  }));

test("what cannot be made again ends as the disk's fault, after a few attempts", () =>
  withTemporaryFolder(async (folder) => {
    let attempts = 0;
    const hopeless = defineStage({
      ...inRun,
      name: "hopeless",
      reads: {},
      writes: {},
      run: ({ tools }) =>
        Effect.suspend(() => {
          attempts++;
          return Effect.as(tools.get({ digest: "0".repeat(64), bytes: 1 }), {});
        }),
    });
    const { ending } = await runToy({ folder, pipeline: pipeline("toy").stage("a", hopeless) });
    assert.deepEqual([ending.fault?._tag, ending.fault?.kind], ["CorruptBlob", "world"]);
    assert.ok(attempts > 1 && attempts < 10);
  }));

test("results for the store alone make no run folder, and ask nothing of stages left out", () =>
  withTemporaryFolder(async (folder) => {
    const asked: string[] = [];
    const of = (name: string, lifetime: "cached" | "run") =>
      defineStage({
        ...inRun,
        name,
        lifetime,
        reads: {},
        writes: {},
        inputs: () => Effect.sync(() => void asked.push(name)),
        run: () => Effect.succeed({}),
      });
    const composed = pipeline("toy").stage("ingest", of("ingest", "cached"))
      .stage("train", of("train", "run"));
    const { ending, events } = await runToy({
      folder,
      pipeline: composed,
      selectors: { until: "ingest" },
    });
    assert.equal(ending.ending, "part");
    assert.deepEqual([...new Set(asked)], ["ingest"]);
    assert.ok(eventsOf({ events }, "stage-finished").some(({ stage }) => stage === "ingest"));
    assert.deepEqual(readdirSync(join(folder, "output")), [".gnomic-store"]);
    assert.ok(!existsSync(ending.dir));
  }));
