// Which files a run's snapshots become, that damage is mended without touching the rest, and that what was
// pruned stays away. The rows are read back as a client reads them: by tensor name, from the file.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Stream } from "effect";
import {
  readHeader,
  readSafetensors,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";
import { packRows, type Snapshot } from "../../inversion/artefacts/snapshots.ts";
import type { Validation } from "../../inversion/artefacts/validations.ts";
import { type MemoryTools, memoryTools } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { checkpoint } from "./stage.ts";

const configuration = { seed: 1 };
const places = { model: "tiny" };
const toolsIn = (runDir: string) => {
  const tools = memoryTools();
  return { ...tools, runDir, run: { ...tools.run, configuration, places } };
};

/** One vector: `step` in clip_l, `-step` in clip_g. */
const rowsAt = (tools: MemoryTools, step: number) =>
  Effect.runPromise(tools.put(packRows([step, step], [-step, -step, -step]))).then((blob) => ({
    blob,
    vectors: 1,
    widths: [2, 3] as const,
  }));

const snapshotAt = async (
  tools: MemoryTools,
  step: number,
  more: Partial<Snapshot> = {},
): Promise<Snapshot> => ({
  step,
  epoch: 1,
  rows: await rowsAt(tools, step),
  save: true,
  validate: null,
  best: null,
  last: false,
  early: false,
  ...more,
});

const run = (
  tools: MemoryTools,
  snapshots: readonly Snapshot[],
  more: { readonly max?: number; readonly validations?: Stream.Stream<Validation> } = {},
) =>
  Effect.runPromise(checkpoint.run({
    options: { placeholder_token: "gnome!", max_checkpoints: more.max ?? null },
    inputs: { snapshots: Stream.fromIterable(snapshots), validations: more.validations },
    writers: {},
    tools,
  }));

const remainingWork = (tools: MemoryTools) =>
  Effect.runPromise(
    checkpoint.remainingWork!({ placeholder_token: "gnome!", max_checkpoints: null }, {
      runDir: tools.runDir,
      seed: 1,
      info: tools.run,
    }),
  );

const file = (step: number) =>
  `checkpoints/checkpoint-epoch_00000001-step_0000000${step}.safetensors`;
const stepsIn = (runDir: string) =>
  readdirSync(join(runDir, "checkpoints")).flatMap((name) =>
    /step_0*(\d+)\./.exec(name)?.[1] ?? []
  );
const valuesOf = async (runDir: string, path: string) => {
  const tensors = await readSafetensors(join(runDir, path));
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
};

test("a version that says more of itself leaves the files of before as they are", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const snapshots = [await snapshotAt(tools, 1), await snapshotAt(tools, 2, { last: true })];
    await run(tools, snapshots);
    const before = [file(1), "gnome.safetensors"].map((path) => readFileSync(join(runDir, path)));
    const newer = { ...tools, run: { ...tools.run, tool: "gnomic 9" } };
    rmSync(join(runDir, file(2)));
    await run(newer, snapshots);
    const after = [file(1), "gnome.safetensors"].map((path) => readFileSync(join(runDir, path)));
    assert.deepEqual(after, before);
    assert.equal((await readHeader(join(runDir, file(2)))).metadata["gnomic.tool"], "gnomic 9");
  }));

test("a file for each saved step, one for the best, one named by the trigger", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const best = { step: 2, epoch: 1, rows: await rowsAt(tools, 2) };
    await run(tools, [
      await snapshotAt(tools, 1),
      await snapshotAt(tools, 3, { save: false, best }),
      await snapshotAt(tools, 4, { last: true, best }),
    ]);
    assert.deepEqual(await valuesOf(runDir, file(1)), { clip_l: [1, 1], clip_g: [-1, -1, -1] });
    assert.deepEqual(await valuesOf(runDir, "gnome-best.safetensors"), {
      clip_l: [2, 2],
      clip_g: [-2, -2, -2],
    });
    assert.deepEqual(await valuesOf(runDir, "gnome.safetensors"), await valuesOf(runDir, file(4)));
    assert.deepEqual(stepsIn(runDir), ["1", "4"]);
    const { metadata } = await readHeader(join(runDir, "gnome.safetensors"));
    assert.deepEqual([metadata["gnomic.step"], metadata["gnomic.trigger"]], ["4", "gnome"]);
    assert.deepEqual(
      ["base_model", "places", "configuration"].map((key) => metadata[`gnomic.${key}`]),
      ["tiny", '{"model":"tiny"}', '{"seed":1}'],
    );
    assert.equal(await remainingWork(tools), null);
  }));

test("what is damaged or gone is written again, with the same bytes, and nothing else", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const all = [
      await snapshotAt(tools, 1),
      await snapshotAt(tools, 2),
      await snapshotAt(tools, 3, { last: true }),
    ];
    await run(tools, all);
    const before = [1, 2, 3].map((step) => readFileSync(join(runDir, file(step))));
    const { mtimeNs } = statSync(join(runDir, file(3)), { bigint: true });
    rmSync(join(runDir, file(1)));
    writeFileSync(join(runDir, file(2)), before[1].subarray(0, 40));
    assert.match(
      (await remainingWork(tools))!.why,
      /step_00000001.*step_00000002.* missing or damaged/,
    );

    await run(tools, all);
    assert.deepEqual([1, 2, 3].map((step) => readFileSync(join(runDir, file(step)))), before);
    assert.equal(statSync(join(runDir, file(3)), { bigint: true }).mtimeNs, mtimeNs);
    assert.equal(await remainingWork(tools), null);
  }));

test("the oldest go once their pictures are made, and do not come back", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const validate = { prompts: null };
    const best = { step: 2, epoch: 1, rows: await rowsAt(tools, 2) };
    const all = [
      await snapshotAt(tools, 1, { validate }),
      await snapshotAt(tools, 2, { best }),
      await snapshotAt(tools, 3, { best }),
      await snapshotAt(tools, 4, { best, last: true }),
    ];
    // The first step's pictures take until everything else is written.
    const waits: string[][] = [];
    const validations = Stream.fromEffect(Effect.gen(function* () {
      while (!existsSync(join(runDir, "gnome.safetensors"))) yield* Effect.sleep(5);
      waits.push(stepsIn(runDir));
      return { step: 1, epoch: 1, outcome: "done" as const };
    }));
    await run(tools, all, { max: 1, validations });
    assert.ok(waits[0].includes("1"), "its pictures are not made yet");
    assert.deepEqual(stepsIn(runDir), ["2", "4"], "the best stays although it is old");
    const pruned = tools.events.filter(({ event }) => event === "checkpoint-pruned");
    assert.equal(pruned.length, 2);
    await run(tools, all, { max: 1 });
    assert.deepEqual(stepsIn(runDir), ["2", "4"]);
  }));

/** Rows as a training's state has them. */
const stateWith = (runDir: string, step: number) =>
  writeSafetensors(
    join(runDir, "state.safetensors"),
    new Map(
      [[step, step], [-step, -step, -step]].map((values, i) => [
        `best.${i}`,
        { dtype: "F64" as const, shape: [values.length], data: Float64Array.from(values) },
      ]),
    ),
  );

test("rows that the store lost are taken from any file that has them, and asked for only where they are due", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const best = { step: 2, epoch: 1, rows: await rowsAt(tools, 2) };
    const all = [
      await snapshotAt(tools, 1),
      await snapshotAt(tools, 3, { best }),
      await snapshotAt(tools, 4, { best, last: true }),
    ];
    await run(tools, all);
    const paths = [file(1), file(4), "gnome-best.safetensors", "gnome.safetensors"];
    const before = paths.map((path) => readFileSync(join(runDir, path)));
    tools.blobs.clear();
    await run(tools, all);
    rmSync(join(runDir, "gnome.safetensors")); // step 4 is in its checkpoint, too
    rmSync(join(runDir, "gnome-best.safetensors"));
    await stateWith(runDir, 2);
    await run(tools, all);
    assert.deepEqual(paths.map((path) => readFileSync(join(runDir, path))), before);
    assert.deepEqual(tools.warnings(), []);
    assert.equal(await remainingWork(tools), null);
  }));

test("what is lost for good is said once and skipped", () =>
  withTemporaryFolder(async (runDir) => {
    const tools = toolsIn(runDir);
    const all = [await snapshotAt(tools, 1), await snapshotAt(tools, 2, { last: true })];
    await run(tools, all);
    tools.blobs.delete(all[0].rows.blob.digest);
    rmSync(join(runDir, file(1)));
    await run(tools, all);
    await run(tools, all);
    assert.equal(tools.warnings().length, 1);
    assert.match(tools.warnings()[0], /step_00000001\.safetensors is lost: the rows of step 1/);
    assert.equal(await remainingWork(tools), null);
    assert.deepEqual(stepsIn(runDir), ["2"]);
    await rowsAt(tools, 1); // the store is back
    await run(tools, all);
    assert.deepEqual(stepsIn(runDir), ["1", "2"]);
  }));
