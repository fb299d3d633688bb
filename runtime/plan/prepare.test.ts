import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect, Schema } from "effect";
import { pipeline } from "../pipeline/compose.ts";
import { defineStage } from "../stage.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { plain, words } from "../testing/toy-stages.ts";
import { eventsOf, planToy, runToy } from "../testing/toy-world.ts";

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

test("what was warned of when a result was made is said by every run that takes it, and tells no folder", () =>
  withTemporaryFolder(async (folder) => {
    let [done, version] = [0, 1];
    const looking = <const Reads extends { readonly words?: typeof words }>(
      name: string,
      version: number,
      reads: Reads,
    ) =>
      defineStage({
        name,
        version,
        summary: "Looks",
        options: Schema.Struct({ where: Schema.optionalKey(Schema.String) }),
        reads,
        writes: { words },
        lifetime: "cached",
        run: ({ tools, options }) =>
          Effect.gen(function* () {
            done++;
            for (const text of ["small", "small", `${options.where} is cut`]) {
              yield* tools.emit({ event: "warning", text: `${name}: ${text}` });
            }
            return { words: [] };
          }),
      });
    const toy = (where: string) => ({
      folder,
      values: { where },
      pipeline: pipeline("toy").stage("look", looking("look", version, {}))
        .stage("again", looking("again", 1, { words }), { words: "look.words" }),
    });
    const said = async (where: string) =>
      eventsOf(await runToy(toy(where)), "warning")
        .map(({ text }) => text).toSorted();
    const places = (at: string) =>
      ["again", "look"].flatMap((id) => [`${id}: ${at} is cut`, `${id}: small`]);
    assert.deepEqual([...new Set(await said("/home/anna/a.png"))], places("/home/anna/a.png"));
    // `where` decides nothing, so another user's folder has the same results.
    assert.deepEqual(await said("/home/bert/a.png"), places("a.png"));
    assert.deepEqual(
      (await planToy(toy("/home/bert/a.png"))).stages.map(({ warnings }) => warnings),
      [["look: small", "look: a.png is cut"], ["again: small", "again: a.png is cut"]],
    );
    assert.equal(done, 2);
    // The plan does not know yet what `again` will read; then its result is found all the same.
    version = 2;
    assert.deepEqual(await said("b.png"), [
      ...["again: a.png is cut", "again: small"],
      ...["look: b.png is cut", "look: small", "look: small"],
    ]);
    assert.equal(done, 3);
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
