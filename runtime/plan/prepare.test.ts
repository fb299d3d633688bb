import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { plain, words } from "../testing/toy-stages.ts";
import { eventsOf, runToy } from "../testing/toy-world.ts";

test("what a stage finds odd about its inputs is said by each attempt, once, also of a cached result", () =>
  withTemporaryFolder(async (folder) => {
    let odd = ["a.bmp is no picture"];
    const look = defineStage({
      ...plain,
      name: "look",
      reads: {},
      writes: { words },
      lifetime: "cached",
      inputs: (_, tools) => Effect.forEach([...odd, ...odd], tools.warn, { discard: true }),
      run: () => Effect.succeed({ words: [] }),
    });
    const work = async () => {
      const run = await runToy({ folder, pipeline: pipeline("toy").stage("look", look) });
      const [{ cached }] = eventsOf(run, "stage-finished");
      return [cached, ...eventsOf(run, "warning").map(({ text }) => text)];
    };
    assert.deepEqual(await work(), [false, "a.bmp is no picture"]);
    assert.deepEqual(await work(), [true, "a.bmp is no picture"]);
    odd = ["b.bmp is no picture"];
    assert.deepEqual(await work(), [true, "b.bmp is no picture"]);
  }));

test("a result of what changed while it was made is kept under neither name", () =>
  withTemporaryFolder(async (folder) => {
    let world = "first";
    let meanwhile = "second";
    const look = defineStage({
      ...plain,
      name: "look",
      reads: {},
      writes: { words },
      lifetime: "cached",
      inputs: () => Effect.sync(() => world),
      run: () => Effect.sync(() => ({ words: [world = meanwhile] })),
    });
    const toy = { folder, pipeline: pipeline("toy").stage("look", look) };
    const { fault } = (await runToy(toy)).ending;
    assert.match(fault!.message, /stages\.look: wanted what goes in to stay as it is/);
    assert.equal(fault!.kind, "world");
    for (const [cached, state] of [[false, "second"], [true, "second"], [false, "first"]]) {
      world = meanwhile = String(state);
      const run = await runToy(toy);
      const [finished] = eventsOf(run, "stage-finished");
      assert.deepEqual([run.ending.fault, finished.cached], [null, cached]);
    }
  }));
