import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { decodePipeline, readPipeline } from "./pipeline.ts";

const complaint = async (text: string) =>
  (await Effect.runPromise(Effect.flip(decodePipeline(text, "toy.yaml")))).message;

test("a file decodes to its stages, with the configuration taken along", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "toy.yaml");
    writeFileSync(
      file,
      `pipeline: toy
config:
  seed: 3
stages:
  read:
    use: ./read.ts
    options: { delimiter: "," }
  count:
    use: count
    reads: { words: read.words }
    retry: { times: 2, backoffSeconds: 0.5 }
    timeoutSeconds: 60
    concurrency: 2
    resources: { device: 1 }
`,
    );
    const { pipeline, config, stages, placeOf } = await Effect.runPromise(readPipeline(file));
    assert.deepEqual([pipeline, config], ["toy", { seed: 3 }]);
    assert.deepEqual(stages, {
      read: { use: "./read.ts", options: { delimiter: "," } },
      count: {
        use: "count",
        reads: { words: "read.words" },
        retry: { times: 2, backoffSeconds: 0.5 },
        timeoutSeconds: 60,
        concurrency: 2,
        resources: { device: 1 },
      },
    });
    assert.deepEqual(placeOf("stages.count.reads.words"), { file, line: 10 });
  }));

test("every complaint at once, with lines, ranges and the nearest key", async () => {
  const message = await complaint(`pipeline: toy
stages:
  a: { use: x, retry: { times: -1 }, timeoutSecond: 3 }
  b:
    us: y
  4d: { use: x }
extra: 1
`);
  assert.match(message, /^7 problems/);
  assert.match(message, /toy\.yaml:3 stages\.a\.timeoutSecond: .*Did you mean timeoutSeconds\?/);
  assert.match(message, /toy\.yaml:3 stages\.a\.retry\.times: .*at least 0, found -1/);
  assert.match(message, /stages\.a\.retry\.backoffSeconds: .*found nothing/);
  assert.match(message, /toy\.yaml:5 stages\.b\.us: .*Did you mean use\?/);
  assert.match(message, /stages\.b\.use: .*found nothing/);
  assert.match(message, /toy\.yaml:6 stages\.4d: .*beginning with a letter/);
  assert.match(message, /toy\.yaml:7 extra: /);
});

test("a pipeline without stages, and a stage that is only named", async () => {
  assert.match(await complaint("pipeline: toy\nstages: {}"), /toy\.yaml:2 stages: .*found none/);
  assert.match(
    await complaint("pipeline: toy\nstages:\n  read: ingest"),
    /toy\.yaml:3 stages\.read: wanted a mapping, found "ingest"\. Write a mapping/,
  );
  assert.match(
    await complaint("pipeline: toy\nstages:\n  read: { use: x, reads: { a: 7 } }"),
    /stages\.read\.reads\.a: wanted a text, found 7\. Put it in quotes/,
  );
  assert.match(await complaint(""), /^toy\.yaml:1: wanted a mapping, found null\. Write a mapping/);
});

test("a bomb of anchors and broken YAML are refused by line", async () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"].concat(
    [..."bcdefgh"].map((name, i) => `${name}: &${name} [${Array(10).fill(`*${"abcdefg"[i]}`)}]`),
  ).join("\n");
  assert.match(await complaint(bomb), /anchors and aliases/);
  assert.match(await complaint("pipeline: toy\nstages: {a: [}"), /toy\.yaml:2/);
});

test("an unknown name says which names there are to use", async () => {
  const error = await Effect.runPromise(Effect.flip(readPipeline("no-such-pipeline")));
  assert.equal(error.kind, "user");
  assert.match(error.message, /no-such-pipeline\.yaml.*sdxl-ti/s);
});
