// What a command line comes to, against what a shell's user means by it; and each slip in words.
import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import type { Command } from "./command.ts";
import { readCommandLine } from "./command-line.ts";

const command: Command = {
  usage: "paint <action> [file]",
  summary: "",
  options: [
    ["--seed <number>", ""],
    ["--set <key=value>", ""],
    ["--out <dir>", ""],
    ["--prompt <text>", ""],
    ["--explain [option]", ""],
    ["--dry-run", ""],
    ["--no-cache", ""],
  ],
  repeatable: ["set"],
  actions: ["wall", "fence"],
  usedBy: { out: ["wall"] },
  examples: [],
  run: () => Effect.void,
};
const read = (...words: string[]) => readCommandLine(command, words);

test("an option is where it stands, before or behind the arguments", () => {
  const wanted = { args: ["wall", "a.txt"], options: { dryRun: true, seed: "7" } };
  assert.deepEqual(read("wall", "a.txt", "--dry-run", "--seed", "7"), wanted);
  assert.deepEqual(read("--dry-run", "wall", "--seed=7", "a.txt"), wanted);
  assert.deepEqual(read("wall", "--seed", "7", "--dry-run", "a.txt"), wanted);
});

test("values stay the texts that were typed", () => {
  for (const value of ["007", "1e3", "-1", "-x", "a=b", "0x10"]) {
    assert.equal(read("wall", "--seed", value).options.seed, value);
    assert.equal(read("wall", `--seed=${value}`).options.seed, value);
  }
  assert.equal(read("wall", "--prompt", "").options.prompt, "");
  assert.deepEqual(read("wall", "--set", "a=1", "--set", "b=2").options.set, ["a=1", "b=2"]);
  assert.equal(read("wall", "--set", "a=1").options.set, "a=1");
  assert.equal(read("wall", "--out", "~/x").options.out, join(homedir(), "x"));
  assert.deepEqual(read("wall").options, {});
  assert.equal(read("wall", "--no-cache").options.cache, false);
  assert.equal(read("wall", "--explain").options.explain, true);
  assert.deepEqual(read("wall", "--explain", "seed", "a.txt"), {
    args: ["wall", "a.txt"],
    options: { explain: "seed" },
  });
});

test("each slip says what was wanted, what was found and what to do", () => {
  const slips: readonly (readonly [words: string, said: RegExp])[] = [
    ["wall --dryrun", /^--dryrun: wanted an option of paint, found an unknown one. .*--dry-run\?$/],
    ["wall -1", /^-1: wanted an option of paint/],
    ["wall --dry-run=yes", /^--dry-run: wanted this option by itself, found --dry-run=yes\./],
    ["wall --no-cache=yes", /^--no-cache: wanted this option by itself/],
    ["wall --seed", /^--seed: wanted a value: --seed <number>, found none\./],
    ["wall --seed --dry-run", /^--seed: wanted a value: .*, found the option --dry-run\./],
    ["wall --seed=", /^--seed: wanted a value: .*, found an empty one\./],
    ["wall --out=", /^--out: wanted a value: .*, found an empty one\./],
    ["wall --out ~root/x", /^--out: wanted a path; only ~ by itself/],
    ["wall --seed 1 --seed 2", /^--seed: wanted this option once, found 1 and 2\./],
    ["wall --dry-run --dry-run", /^--dry-run: wanted this option once, found it 2 times\./],
    ["", /^wanted paint <action> \[file\], found paint by itself\. paint --help/],
    ["wall ''", /^paint: wanted a path or a name, found an empty one\. Name it\.$/],
    ["wall a b c", /^wanted paint <action> \[file\], found paint wall a b c\. Leave b c out/],
    ["wal a", /^paint: wanted one of wall, fence, found wal\. Did you mean wall\?$/],
    ["roof", /^paint: .* found roof\. paint --help says what each does\.$/],
    ["constructor", /^paint: wanted one of wall, fence, found constructor\. paint --help/],
    ["fence --out x", /^--out: wanted an option that paint fence uses, found one of paint wall\./],
  ];
  for (const [words, said] of slips) {
    const given = words.split(" ").filter((word) => word !== "")
      .map((word) => word.replace("''", ""));
    assert.throws(() => read(...given), (fault: Error & { kind?: string }) => {
      assert.match(fault.message, said);
      assert.equal(fault.kind, "user");
      return true;
    }, words);
  }
});
