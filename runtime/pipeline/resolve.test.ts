import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { trainingApp } from "../../inversion/app.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";
import { resolveStage } from "./resolve.ts";

// A stage as a stranger writes it: a file in a folder without node_modules, which imports nothing.
const stranger = `
export default ({ Effect, Schema, defineStage, artefact }) =>
  defineStage({
    name: "shout",
    version: 3,
    summary: "A stage from outside",
    options: Schema.Struct({ times: Schema.Int }),
    reads: {},
    writes: { words: artefact("words", Schema.Array(Schema.String)) },
    lifetime: "cached",
    run: ({ options }: { options: { times: number } }) =>
      Effect.succeed({ words: Array.from({ length: options.times }, () => "HEY") }),
  });
`;

const complaint = (use: string, folder: string) =>
  Effect.runPromise(
    Effect.flip(resolveStage(use, folder, trainingApp(), { file: "toy.yaml", line: 3 })),
  );

test("a file outside the project gives its stage through what it is handed, and runs", () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "shout.ts"), stranger);
    const stage = await Effect.runPromise(resolveStage("./shout.ts", folder, trainingApp()));
    assert.deepEqual([stage.name, stage.version], ["shout", 3]);
    const result = await Effect.runPromise(
      stage.run({ options: { times: 2 }, inputs: {}, writers: {}, tools: {} as never }),
    );
    assert.deepEqual(result, { words: ["HEY", "HEY"] });
  }));

test("a package is found from the pipeline file's folder, its stage by the name `stage`", () =>
  withTemporaryFolder(async (folder) => {
    const home = join(folder, "node_modules", "shouting");
    mkdirSync(home, { recursive: true });
    writeFileSync(
      join(home, "package.json"),
      '{"name":"shouting","version":"1.0.0","type":"module","exports":"./index.js"}',
    );
    const plain = stranger.replace(": { options: { times: number } }", "")
      .replace("export default", "export const stage =");
    writeFileSync(join(home, "index.js"), plain);
    const stage = await Effect.runPromise(resolveStage("shouting", folder, trainingApp()));
    assert.equal(stage.name, "shout");
  }));

test("what is no stage is refused with what it lacks", () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "half.ts"), "export const stage = { name: 'half', run: () => 1 };");
    const half = await complaint("./half.ts", folder);
    assert.equal(half._tag, "NotAStage");
    assert.match(half.message, /toy\.yaml:3.*one without version \(a number\), summary/s);

    writeFileSync(join(folder, "none.ts"), "export const other = 1;");
    assert.match((await complaint("./none.ts", folder)).message, /exports named other/);

    writeFileSync(join(folder, "throws.ts"), "export default () => { throw new Error('oh no'); };");
    assert.match((await complaint("./throws.ts", folder)).message, /oh no/);

    writeFileSync(join(folder, "imports.ts"), 'import { Effect } from "effect"; export default 1;');
    assert.match((await complaint("./imports.ts", folder)).message, /\(gnomic\) => /);

    assert.match(
      (await complaint("./nowhere.ts", folder)).message,
      /nowhere\.ts\. Correct the path/,
    );
    assert.match((await complaint("nowhere.ts", folder)).message, /Write \.\/nowhere\.ts/);
    assert.match((await complaint("no-such-stage", folder)).message, /by name/);
  }));
