import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventsOf, runToy } from "../testing/toy-world.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";

// As a stranger wrote it for the version before.
const old = `
export default ({ Effect, Schema, defineStage, stream }) =>
  defineStage({
    name: "shout",
    version: 1,
    summary: "Shouts, and fails",
    options: Schema.Struct({}),
    reads: {},
    writes: { words: stream("words", Schema.String) },
    lifetime: "run",
    supervised: true,
    owed: () => Effect.succeed({ why: "it is never done" }),
    run: ({ outlets }) =>
      Effect.andThen(outlets.words("HEY"), Effect.die(new Error("hoarse"))),
  });
`;

test("a stage with the names of before works, and hears once what they are called now", () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "shout.ts"), old);
    const file = join(folder, "toy.yaml");
    writeFileSync(file, "pipeline: toy\napp: toy\nstages:\n  shout: { use: ./shout.ts }\n");
    const run = await runToy({ folder, pipeline: file });
    const notes = eventsOf(run, "note").map(({ text }) => text);
    assert.deepEqual(notes, [
      "shout: supervised is called continueOnError now, owed is called remainingWork now; " +
      "the old name works in this version.",
    ]);
    assert.match(eventsOf(run, "stage-failed")[0].error, /hoarse/);
    assert.equal(run.plan.stages[0].continueOnError, true);
  }));
