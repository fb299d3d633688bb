// The stage started anew on a folder that an earlier process left at some moment: it hears all snapshots
// again from the first, and must end with what an undisturbed one leaves.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Stream } from "effect";
import { packRows, type Snapshot } from "../../inversion/artefacts/snapshots.ts";
import { memoryTools } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { treeOf } from "../../runtime/testing/tree.ts";
import { checkpoint } from "./stage.ts";

const options = { placeholder_token: "bruce", max_checkpoints: 1 };
const best = "bruce-best.safetensors";
const fileOf = (step: number) =>
  `checkpoints/checkpoint-epoch_00000000-step_0000000${step}.safetensors`;

/** Hears of steps 1, 2 ... of which `bests` says which was the best then; gives what it said. */
async function hears(
  runDir: string,
  bests: readonly number[],
  validate: Snapshot["validate"] = null,
) {
  const tools = { ...memoryTools(), runDir };
  const rows = (step: number) => ({
    blob: Effect.runSync(tools.put(packRows([step], [step, step]))),
    vectors: 1,
    widths: [1, 2] as const,
  });
  const snapshots = bests.map((bestStep, i): Snapshot => ({
    step: i + 1,
    epoch: 0,
    rows: rows(i + 1),
    save: true,
    validate,
    best: { step: bestStep, epoch: 0, rows: rows(bestStep) },
    last: i + 1 === bests.length,
    early: false,
  }));
  const inputs = { snapshots: Stream.fromIterable(snapshots), validations: undefined };
  await Effect.runPromise(checkpoint.run({ options, inputs, writers: {}, tools }));
  return tools.events.map((event) =>
    event.event === "checkpoint" || event.event === "checkpoint-pruned"
      ? `${event.event} ${event.step} ${event.path}`
      : event.event
  );
}

const kept = (runDir: string) =>
  readdirSync(join(runDir, "checkpoints")).filter((name) => name.endsWith(".safetensors")).sort();

test("heard again, the best step is the one that it came to, and nothing changes", () =>
  withTemporaryFolder(async (folder) => {
    await hears(folder, [1, 2, 2, 2]);
    const before = treeOf(folder);
    assert.deepEqual(kept(folder).map((name) => `checkpoints/${name}`), [fileOf(2), fileOf(4)]);
    const said = await hears(folder, [1, 2, 2, 2]);
    assert.deepEqual(treeOf(folder), before);
    assert.ok(!said.includes(`checkpoint 1 ${best}`), "went back to an older best");
    assert.ok(said.includes(`checkpoint 2 ${best}`), "may have been lost, so it is said again");
    assert.ok(said.includes(`checkpoint 4 ${fileOf(4)}`));
  }));

test("killed between noting that a checkpoint goes and removing it: it goes, and that is said", () =>
  withTemporaryFolder(async (folder) => {
    await hears(folder, [1, 2, 3]);
    const before = treeOf(folder);
    assert.ok(!existsSync(join(folder, fileOf(1))));
    writeFileSync(join(folder, fileOf(1)), "still there");
    const said = await hears(folder, [1, 2, 3]);
    assert.deepEqual(treeOf(folder), before);
    assert.ok(said.includes(`checkpoint-pruned 1 ${fileOf(1)}`));
  }));

test("what goes only at the very end, after its validation, is not missed afterwards", () =>
  withTemporaryFolder(async (folder) => {
    await hears(folder, [1, 2, 3], { prompts: null });
    assert.deepEqual(kept(folder).map((name) => `checkpoints/${name}`), [fileOf(3)]);
    const tools = memoryTools();
    const at = { runDir: folder, seed: tools.seed, info: tools.run };
    assert.equal(await Effect.runPromise(checkpoint.remainingWork!(options, at)), null);
  }));

test("a damaged best file is written again, of the newest best rows", () =>
  withTemporaryFolder(async (folder) => {
    await hears(folder, [1, 2, 2]);
    const sound = readFileSync(join(folder, best));
    writeFileSync(join(folder, best), "damaged");
    await hears(folder, [1, 2, 2]);
    assert.ok(readFileSync(join(folder, best)).equals(sound));
  }));
