// A folder that `--output` names has to be there, whichever command looks for runs or sweeps in it: in a
// mistyped one there is nothing, and that would pass for an answer.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { fleetAt } from "../fleet/connection.ts";
import { withTables } from "../fleet/open-tables.ts";
import type { Command } from "./command.ts";
import { fleetCommand } from "./fleet.ts";
import { runsCommand } from "./runs.ts";
import { sweepCommand } from "./sweep.ts";

const looks: readonly (readonly [Command, string])[] = [
  ...["list", "show x", "compare x y", "stop x", "export x y", "delete x", "prune"]
    .map((words) => [runsCommand, words] as const),
  ...["list", "show x", "cancel x", "resume x", "delete x"]
    .map((words) => [sweepCommand, words] as const),
  [fleetCommand, ""],
];

test("who looks for runs or sweeps says that the folder is not there, or is a file", () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "a-file"), "");
    for (const [command, words] of looks) {
      for (const [name, found] of [["none", "no "], ["a-file", "the file "]] as const) {
        const output = join(folder, name);
        const args = words.split(" ").filter((word) => word !== "");
        const ended = command.run(args, { output }, { print: assert.fail });
        const fault = await Effect.runPromise(Effect.flip(ended));
        const why = `${command.usage}: ${words}`;
        assert.equal(fault.kind, "user", why);
        assert.equal(
          fault.message,
          `--output: wanted the folder that the runs are in, found ${found}${output}. Correct the path.`,
          why,
        );
      }
    }
  }));

test("what the command line alone tells is said before a sweep's file is read", async () => {
  const slips = [
    [{ slots: "-1", dryRun: true }, /^--slots: wanted a whole number from 1 on, found -1/],
    [{ detach: true }, /^--detach: wanted workers on a PostgreSQL/],
    [{ blobs: "x" }, /^--blobs: wanted workers on a PostgreSQL/],
  ] as const;
  for (const [options, said] of slips) {
    const ended = sweepCommand.run(["run", "no-such.yaml"], options, { print: assert.fail });
    assert.match((await Effect.runPromise(Effect.flip(ended))).message, said);
  }
});

test("a database in which nothing was ever trained has no queues, and that is no fault", () =>
  withTemporaryFolder(async (folder) => {
    const looked = Effect.flatMap(
      fleetAt(folder),
      (fleet) => withTables(fleet, ({ sweeps }) => sweeps),
    );
    assert.deepEqual(await Effect.runPromise(looked), []);
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line);
    await Effect.runPromise(fleetCommand.run([], { output: folder }, { print }));
    assert.deepEqual(lines, ["No worker is there."]);
  }));

test("import makes the folder of runs, so it need not be there", () =>
  withTemporaryFolder(async (folder) => {
    const output = join(folder, "none");
    const archive = join(folder, "no.tar");
    const ended = runsCommand.run(["import", archive], { output }, { print: assert.fail });
    const { message } = await Effect.runPromise(Effect.flip(ended));
    assert.match(message, /no\.tar: wanted an archive/);
  }));
