import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { groupOf } from "../sweep/ranking.ts";
import type { Leaderboard, LeaderboardRow } from "./leaderboard.ts";
import { removeWinners, winnerName, writeWinners } from "./winner-files.ts";

const key = "data_loader.dataset.dataset_dir";

/** A board with one winner for each of these folders. */
function boardOf(folders: readonly string[], isOfBefore = false): Leaderboard {
  const rows = folders.map((folder, i): LeaderboardRow => ({
    rank: 1,
    trial: i,
    name: String(i),
    group: groupOf({ overrides: { [key]: folder } }, [key]),
    overrides: { [key]: folder },
    places: isOfBefore ? null : { [key]: folder },
    loss: 0.5,
    lossStep: 3,
    step: 3,
    steps: 3,
    seconds: 1,
    machine: "m",
    state: "done",
    message: null,
    differs: null,
    run: `/home/me/output/run-${i}`,
    checkpoint: `/home/me/output/run-${i}/x.safetensors`,
  }));
  const kind = { by: "fixed_loss", at: "best", rungs: [], state: "done" } as const;
  return { sweep: "s", per: [key], rows, ...kind };
}

const names = (folders: readonly string[]) => {
  const board = boardOf(folders);
  return board.rows.map((row) => winnerName(board, row));
};

test("a winner's file is named by its group's values, and no two groups share one", () => {
  assert.deepEqual(names(["a", "b"]), ["best-a.safetensors", "best-b.safetensors"]);
  for (const alike of [["a b", "a_b"], ["a", "A"], ["гном", "волк"], ["x".repeat(300), "y"]]) {
    const [one, other] = names(alike).map((name) => name.toLowerCase());
    assert.notEqual(one, other);
    assert.match(one, /^best-[a-z0-9_.-]+\.safetensors$/);
    assert.ok(one.length < 140, one);
  }
});

test("neither a winner's name nor its metadata tells where a folder is", () =>
  withTemporaryFolder(async (base) => {
    const written: string[] = [];
    const folders = ["/home/my name/red hats", "C:\\Users\\me\\blue", "my name/of home/green"];
    const copy = (_from: string, to: string, metadata: object) =>
      Effect.sync(() => void written.push(to.slice(base.length), JSON.stringify(metadata)));
    const named = (file: string) => join("/s", `best-${file}.safetensors`);
    const write = async (board: Leaderboard) =>
      (await Effect.runPromise(writeWinners(base, board, copy)))
        .map((file) => file.slice(base.length));
    assert.deepEqual(await write(boardOf(folders)), ["red_hats", "blue", "green"].map(named));
    assert.match(written.join(), /"red hats/);
    // A sweep of before does not say what is a place; what looks like one is.
    assert.deepEqual(
      await write(boardOf(folders.slice(0, 2), true)),
      ["red_hats", "blue"].map(named),
    );
    assert.ok(!/home|my name|Users/.test(written.join()), written.join());
  }));

test("of a sweep's folder only what it wrote is removed", () =>
  withTemporaryFolder(async (folder) => {
    const dir = join(folder, "s");
    mkdirSync(dir);
    const write = (name: string, metadata: Readonly<Record<string, string>>) =>
      writeSafetensors(join(dir, name), new Map(), metadata);
    await write("best.safetensors", { "gnomic.sweep": "s" });
    await write("mine.safetensors", { "gnomic.sweep": "another" });
    writeFileSync(join(dir, "picture.png"), "");
    await Effect.runPromise(removeWinners(folder, "s"));
    assert.deepEqual(readdirSync(dir).toSorted(), ["mine.safetensors", "picture.png"]);
    for (const name of readdirSync(dir)) rmSync(join(dir, name));
    await write("best-1.safetensors", { "gnomic.sweep": "s" });
    await Effect.runPromise(removeWinners(folder, "s"));
    await Effect.runPromise(removeWinners(folder, "s"));
    assert.equal(existsSync(dir), false);
  }));
