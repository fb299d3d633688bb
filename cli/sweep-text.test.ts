import assert from "node:assert/strict";
import { test } from "node:test";
import type { Leaderboard } from "../fleet/leaderboard.ts";
import { leaderboardCsv, leaderboardLines } from "./sweep-text.ts";

const board: Leaderboard = {
  sweep: "s",
  state: "done",
  by: "held_out",
  at: "best",
  per: [],
  rungs: [],
  rows: [{
    rank: null,
    trial: 1,
    name: "1",
    group: "",
    overrides: {
      "data_loader.dataset.dataset_dir": "my name/pictures",
      validation_prompts: ["a/b"],
    },
    places: {
      "data_loader.dataset.dataset_dir": "my name/pictures",
      model: "/home/my name/sdxl model",
    },
    loss: null,
    lossStep: null,
    step: 0,
    steps: 3,
    seconds: 0,
    machine: "m",
    state: "failed",
    message: '\x1b[31mno\x1b[0m picture\n/home/me/x.jpg: "bad"\r ' +
      "of my name/pictures, /home/my name/sdxl model and a/b",
    differs: null,
    run: "/home/me/output/run-1",
    checkpoint: "/home/me/output/run-1/x.safetensors",
  }],
};

test("a trial's message reaches the terminal line by line and without what that would obey", () => {
  const lines = leaderboardLines(board);
  assert.ok(lines.includes("trial 1 failed: no picture"), lines.join("|"));
  assert.ok(["\x1b", "\n", "\r"].every((each) => !lines.join("").includes(each)));
});

test("the CSV tells of no folder", () => {
  const csv = leaderboardCsv(board).join("\n");
  assert.match(csv, /,run-1,x\.safetensors,/);
  assert.match(csv, /x\.jpg: ""bad""/);
  assert.match(csv, /of pictures, sdxl model and a\/b/);
  assert.ok(csv.endsWith(',pictures,"[""a/b""]"'), csv);
  assert.ok(!/home|my name/.test(csv), csv);
});
