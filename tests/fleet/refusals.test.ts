// What a database that may not be written to or has no room says, and how a worker enters a fleet: one line each,
// with what to do, and no password in it. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import type { Command } from "../../cli/command.ts";
import { fleetCommand } from "../../cli/fleet.ts";
import { sweepCommand } from "../../cli/sweep.ts";
import { workerCommand } from "../../cli/worker.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { smallTraining } from "../end-to-end/project.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { ask, toyLease, toyMachine } from "./toy-fleet.ts";
import { toySweep } from "./toy-training.ts";
import { until } from "./until.ts";

const postgres = await postgresForTests({ named: true });

/** What a command fails with. */
const refusal = (command: Command, line: string, options: object = {}) =>
  Effect.runPromise(Effect.flip(
    command.run(line.split(" ").filter((each) => each !== ""), { ...options }, {
      print: () => {},
    }),
  ));

test(
  "a database that is only read, and one without room: one line, no password",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const output = join(folder, "output");
      mkdirSync(output);
      const training = { ...smallTraining, base_output_dir: output };
      writeFileSync(join(folder, "training.yaml"), JSON.stringify(training));
      const file = join(folder, "sweep.yaml");
      const sweep = { sweep: "other", pipeline: "sdxl-ti", config: "training.yaml" };
      writeFileSync(file, JSON.stringify({ ...sweep, rank: { by: "fixed_loss" } }));
      await ask((tables) => tables.submit(toySweep("s", 1, output)));

      // As a standby says it.
      postgres!.sql("ALTER ROLE worker SET default_transaction_read_only = on");
      assert.equal(await ask((tables) => Effect.map(tables.sweeps, ({ length }) => length)), 1);
      const writing: readonly (readonly [Command, string, object])[] = [
        [sweepCommand, "cancel s", { output }],
        [sweepCommand, `run ${file}`, { output, detach: true }],
        [workerCommand, "", {}],
      ];
      for (const [command, line, options] of writing) {
        const { message, kind } = await refusal(command, line, options);
        assert.match(message, /^postgres:.*read-only transaction.*$/, line);
        assert.equal(kind, "world");
        assert.doesNotMatch(message, /:gnome/);
      }
      postgres!.sql("ALTER ROLE worker RESET default_transaction_read_only");

      postgres!.sql("ALTER ROLE worker CONNECTION LIMIT 0");
      const all = [...writing, [sweepCommand, "list", { output }], [fleetCommand, "", { output }]];
      for (const [command, line, options] of all as typeof writing) {
        const { message, kind } = await refusal(command, line, options);
        assert.match(message, /^postgres:.*too many connections.*$/, line);
        assert.equal(kind, "world");
        assert.doesNotMatch(message, /:gnome/);
      }
      // Enough to enter, not for the engine: it says so, and its name is on the list for a while.
      postgres!.sql("ALTER ROLE worker CONNECTION LIMIT 1");
      const named = { name: "z", lease: String(toyLease) };
      const { message, kind } = await refusal(workerCommand, "", named);
      assert.match(message, /^postgres:.*too many connections.*$/);
      assert.equal(kind, "world");
      postgres!.sql("ALTER ROLE worker CONNECTION LIMIT -1");
    }),
);

test(
  "a second worker of a name and one with another lease are refused, a killed one is not missed",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const first = toyMachine(folder, "w");
      const there = () => postgres!.sql("SELECT about FROM gnomic_workers WHERE name = 'w'");
      await until(() => there() !== "");
      const pid = String(first.process.pid);
      const same = await refusal(workerCommand, "", { name: "w", lease: String(toyLease) });
      assert.equal(same.kind, "user");
      assert.match(same.message, new RegExp(`--name.*w, process ${pid} on .*Give another --name`));
      const lease = await refusal(workerCommand, "", { name: "v", lease: "60" });
      assert.equal(lease.kind, "user");
      assert.match(lease.message, /--lease.* 6 s \(w\), found 60 s.*Give --lease 6/);

      first.process.kill("SIGKILL");
      await first.ended;
      const second = toyMachine(folder, "w");
      await until(() => there().includes(`"pid":${second.process.pid}`));
      second.process.kill("SIGTERM");
      await second.ended;
    }),
);
