// Which pictures a validation leaves, and that what has been dealt with, done or failed, is not due again.
// That the pictures are right is for tests/golden-values (samplers, networks) and generate's test.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect, Schema, Stream } from "effect";
import sharp from "sharp";
import { packRows, type Snapshot } from "../../inversion/artefacts/snapshots.ts";
import type { Validation } from "../../inversion/artefacts/validations.ts";
import type { Fault } from "../../lib/fault.ts";
import { type MemoryTools, memoryTools } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { filesBelow } from "../../tests/end-to-end/project.ts";
import { ValidateOptions } from "./options.ts";
import { validate } from "./stage.ts";

const model = fileURLToPath(new URL("../../tests/golden/b/model", import.meta.url));
const widths = [24, 40] as const;

const options = Schema.decodeUnknownSync(ValidateOptions)({
  seed: 1,
  placeholder_token: "my_gnome",
  model,
  provider: "cpu",
  threads: 1,
  weight_dtype: "float32",
  data_loader: { resolution: 64 },
  validation_prompts: ["a my_gnome", "two of my_gnome"],
  num_validation_images_per_prompt: 2,
  validation_steps: 1,
});

const toolsIn = (runDir: string) => ({ ...memoryTools(), runDir });

async function snapshotAt(
  tools: MemoryTools,
  step: number,
  value: number,
  prompts: readonly string[] | null = null,
): Promise<Snapshot> {
  const rows = widths.map((width) => new Float32Array(width).fill(value));
  const blob = await Effect.runPromise(tools.put(packRows(rows[0], rows[1])));
  return {
    step,
    epoch: 0,
    rows: { blob, vectors: 1, widths },
    save: false,
    validate: { prompts },
    best: null,
    last: false,
    early: false,
  };
}

async function run(
  tools: MemoryTools,
  snapshots: readonly Snapshot[],
  more: Partial<ValidateOptions> = {},
) {
  const said: Validation[] = [];
  tools.events.length = 0;
  await Effect.runPromise(validate.run({
    options: { ...options, ...more },
    inputs: { snapshots: Stream.fromIterable(snapshots) },
    writers: { validations: (each) => Effect.sync(() => void said.push(each)) },
    tools,
  }));
  return said.map(({ step, outcome }) => `${step} ${outcome}`);
}

const at = (step: number) => `validation/epoch_00000000-step_0000000${step}`;
const picture = (runDir: string, step: number, prompt: number, image: number) =>
  readFileSync(join(runDir, at(step), `prompt_000${prompt}`, `000${image}.jpg`));

test("both kinds of clients: pictures of one noise side by side, each as its clients draw it", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const bytesAt = (step: number) => [0, 1, 2, 3].map((image) => picture(runDir, step, 0, image));
    const events = () => tools.events.flatMap((e) => e.event === "validation-picture" ? [e] : []);
    await run(tools, [await snapshotAt(tools, 2, 0.1)], { validation_pooling: "both" });
    assert.deepEqual(
      events().filter(({ prompt }) => prompt === 0).map(({ image, pooling }) => [image, pooling]),
      [[0, "argmax"], [1, "end_token"], [2, "argmax"], [3, "end_token"]],
    );
    for (const [step, rule] of [[4, "argmax"], [6, "end_token"]] as const) {
      await run(tools, [await snapshotAt(tools, step, 0.1)], { validation_pooling: rule });
      const two = [0, 1].map((image) => picture(runDir, step, 0, image));
      assert.ok(events().every(({ pooling }) => pooling === undefined));
      const places = rule === "argmax" ? [0, 2] : [1, 3];
      assert.deepEqual(two, places.map((place) => bytesAt(2)[place]));
    }
    assert.notDeepEqual(bytesAt(2)[0], bytesAt(2)[1]);
    // As it was trained, unless somebody else's pictures are asked for.
    await run(tools, [await snapshotAt(tools, 8, 0.1)], { pooling: "end_token" });
    assert.deepEqual(picture(runDir, 8, 0, 0), bytesAt(2)[1]);
  }));

test("pictures of each prompt at each due step; the same noise at every step", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const idle = { ...await snapshotAt(tools, 1, 0.1), validate: null };
    const due = [await snapshotAt(tools, 2, 0.1), await snapshotAt(tools, 4, 0.1)];
    const other = await snapshotAt(tools, 6, -0.1);
    assert.deepEqual(await run(tools, [idle, ...due, other]), ["2 done", "4 done", "6 done"]);
    const pictures = filesBelow(runDir).filter((path) => path.endsWith(".jpg"));
    assert.equal(pictures.length, 3 * 2 * 2);
    const shown = await sharp(picture(runDir, 2, 1, 1)).metadata();
    assert.deepEqual([shown.width, shown.height, shown.exif], [64, 64, undefined]);

    assert.deepEqual(picture(runDir, 4, 1, 1), picture(runDir, 2, 1, 1));
    assert.notDeepEqual(picture(runDir, 6, 1, 1), picture(runDir, 2, 1, 1), "other rows");
    assert.notDeepEqual(picture(runDir, 2, 0, 0), picture(runDir, 2, 1, 0), "another prompt");
    assert.notDeepEqual(picture(runDir, 2, 0, 0), picture(runDir, 2, 0, 1), "other noise");
    const said = tools.events.flatMap((event) =>
      event.event === "validation-picture" ? event.path : []
    );
    assert.deepEqual(said.toSorted(), pictures);
  }));

test("prompts past 75 tokens are said, each once, those that say what is not wanted too", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const long = (word: string) => `${word} `.repeat(90).trimEnd();
    await run(tools, [await snapshotAt(tools, 2, 0.1), await snapshotAt(tools, 4, 0.1)], {
      validation_prompts: [`my_gnome ${long("a")}`, "a my_gnome"],
      negative_validation_prompts: ["a", long("b")],
      num_validation_images_per_prompt: 1,
    });
    const [prompt, negative, ...more] = tools.warnings();
    assert.match(prompt, /^Only 75 tokens fit, so the last \d+ of the prompt "my_gnome a a/);
    assert.match(negative, /^Only 75 tokens fit, so the last \d+ of the negative prompt "b b/);
    assert.deepEqual(more, []);
  }));

test("what is dealt with is not due again; what was cut short is drawn anew", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const due = [await snapshotAt(tools, 2, 0.1), await snapshotAt(tools, 4, 0.1)];
    await run(tools, due);
    const before = picture(runDir, 4, 1, 1);
    rmSync(join(runDir, at(4), "validation.json"));
    rmSync(join(runDir, at(4), "prompt_0001", "0001.jpg"));
    assert.deepEqual(await run(tools, due), ["2 done", "4 done"]);
    const drawn = tools.events.flatMap((event) =>
      event.event === "validation-picture" ? event.step : []
    );
    assert.deepEqual(drawn, [4, 4, 4, 4]);
    assert.deepEqual(picture(runDir, 4, 1, 1), before);
  }));

test("a failure is said and recorded, ends nothing, and is not tried again", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const narrow = await snapshotAt(tools, 2, 0.1);
    const broken = { ...narrow, rows: { ...narrow.rows, widths: [32, 32] as const } };
    const sound = await snapshotAt(tools, 4, 0.1);
    assert.deepEqual(await run(tools, [broken, sound]), ["2 failed", "4 done"]);
    assert.equal(tools.events.filter(({ event }) => event === "validation-failed").length, 1);
    const { outcome, error } = JSON.parse(
      readFileSync(join(runDir, at(2), "validation.json"), "utf8"),
    );
    assert.equal(outcome, "failed");
    assert.ok(error.length > 0);
    assert.deepEqual(await run(tools, [broken, sound]), ["2 failed", "4 done"]);
    assert.ok(!tools.events.some(({ event }) => event === "validation-started"));
  }));

test("prompts that somebody asked for have a folder of their own, and no path is made of them", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const asked = await snapshotAt(tools, 2, 0.1, ["../../my_gnome"]);
    assert.deepEqual(await run(tools, [asked]), ["2 done"]);
    assert.ok(!existsSync(join(runDir, at(2))));
    const folders = new Set(filesBelow(runDir).map((path) => path.split("/")[1]));
    assert.match([...folders].join(), /^epoch_00000000-step_00000002-[0-9a-f]{8}$/);
  }));

test("a folder that cannot be made leaves the pictures owed, and they are made once it can", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const due = await snapshotAt(tools, 2, 0.1);
    mkdirSync(join(runDir, "validation"));
    writeFileSync(join(runDir, at(2)), ""); // a file where the folder of the step should be
    const fault = await Effect.runPromise(Effect.flip(Effect.tryPromise({
      try: () => run(tools, [due]),
      catch: (cause) => cause as Fault,
    })));
    assert.deepEqual([fault._tag, fault.file?.startsWith(runDir)], ["NoFolderThere", true]);
    assert.ok(!tools.events.some(({ event }) => event === "validation-failed"));
    rmSync(join(runDir, at(2)));
    assert.deepEqual(await run(tools, [due]), ["2 done"]);
  }));

test("rows that are lost are said and recorded, without a folder of this machine", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const [lost, sound] = [await snapshotAt(tools, 2, 0.1), await snapshotAt(tools, 4, 0.2)];
    tools.blobs.delete(lost.rows.blob.digest);
    assert.deepEqual(await run(tools, [lost, sound]), ["2 failed", "4 done"]);
    const { error } = JSON.parse(readFileSync(join(runDir, at(2), "validation.json"), "utf8"));
    assert.match(error, /the rows of step 2/);
    assert.ok(!/\.ts|\/tmp|\/home/.test(error), error);
  }));
