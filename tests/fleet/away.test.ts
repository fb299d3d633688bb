// The database is stopped as by a crash while two machines train and one idles: nothing changes hands, no step is
// done twice or missing, and every command says what is the matter. The trainings are toys, then real ones. Run by
// `deno task test:fleet`.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Effect } from "effect";
import type { Command } from "../../cli/command.ts";
import { fleetCommand } from "../../cli/fleet.ts";
import { runsCommand } from "../../cli/runs.ts";
import { sweepCommand } from "../../cli/sweep.ts";
import { workerCommand } from "../../cli/worker.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, smallTraining, stepsOf } from "../end-to-end/project.ts";
import { machine, row, runsOf, sentAt, stop, sweepFile } from "./machines.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { ask, toyLease, toyMachine } from "./toy-fleet.ts";
import { toyLog, toySweep } from "./toy-training.ts";
import { until } from "./until.ts";

const postgres = await postgresForTests({ named: true });

const awaySeconds = 30;

const commands = (file: string): readonly (readonly [Command, string, object?])[] => [
  [sweepCommand, "list"],
  [sweepCommand, "show away"],
  [sweepCommand, "cancel away"],
  [sweepCommand, "resume away"],
  [sweepCommand, "delete away", { yes: true }],
  [sweepCommand, `run ${file}`, { detach: true }],
  [fleetCommand, ""],
  [runsCommand, "list"],
  [runsCommand, "show away-1"],
  [runsCommand, "compare away-1 away-2"],
  [runsCommand, "stop away-1"],
  [runsCommand, "save away-1"],
  [workerCommand, ""],
];

test(
  "the database is away while two train and one idles: no run changes its worker, no step is lost",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      // More than can be trained meanwhile: at the end the sweep is cancelled.
      const plan = toySweep("away", 2, join(folder, "home"), { steps: 1_000_000 });
      await ask((tables) => tables.submit(plan));
      const runs = () => ask((tables) => tables.runs("away"));
      const names = ["a", "b"];
      const machines = names.map((name) => toyMachine(folder, name, { stepMs: 100 }));
      await until(async () => (await runs()).filter(({ worker }) => worker !== "").length === 2);
      const idle = toyMachine(folder, "idle");
      // It is on the list before its engine is there; twice it says so when it looks for work.
      const seen = () =>
        Number(postgres!.sql("SELECT max(seen_at) FROM gnomic_workers WHERE name = 'idle'"));
      for (let times = 0, last = 0; times < 3; times++) {
        await until(() => seen() > last);
        last = seen();
      }
      const owners = () =>
        postgres!.sql("SELECT trial, worker, fence, attempts FROM gnomic_runs ORDER BY trial");
      const before = owners();
      const logs = (await runs()).map(({ worker, trial }) => join(folder, worker, `away-${trial}`));
      const reached = () => logs.map((log) => toyLog(log).length);

      postgres!.crash();
      const [goneAt, goneFrom] = [Date.now(), reached()];
      const output = join(folder, "output");
      mkdirSync(output);
      const training = { ...smallTraining, base_output_dir: output };
      writeFileSync(join(folder, "training.yaml"), JSON.stringify(training));
      const file = join(folder, "sweep.yaml");
      const sweep = { sweep: "other", pipeline: "sdxl-ti", config: "training.yaml" };
      writeFileSync(file, JSON.stringify({ ...sweep, rank: { by: "fixed_loss" } }));
      for (const [command, line, more] of commands(file)) {
        const args = line.split(" ").filter((each) => each !== "");
        const named = command === workerCommand ? {} : { output };
        const doing = command.run(args, { ...named, ...more }, { print: () => {} });
        const { message } = await Effect.runPromise(Effect.flip(doing));
        assert.match(message, /^postgres:.*ECONNREFUSED.*$/, `${line}: ${message}`);
        assert.doesNotMatch(message, /:gnome/, line);
      }
      await sleep(Math.max(0, awaySeconds * 1000 - (Date.now() - goneAt)));
      const backFrom = reached();
      assert.ok(backFrom.every((step, i) => step > goneFrom[i]), `${goneFrom} -> ${backFrom}`);
      postgres!.start();

      // Two leases later everybody has asked, and both were heard of.
      const heard = () =>
        postgres!.sql(`SELECT bool_and(seen_at / 1000 >
          EXTRACT(EPOCH FROM pg_postmaster_start_time()) + ${2 * toyLease}) FROM gnomic_runs`);
      await until(() => heard().trim() === "t");
      assert.equal(owners(), before);
      await ask((tables) => tables.end("away", "cancelled"));
      await until(async () => (await runs()).every(({ worker }) => worker === ""));
      for (const child of [...machines, idle]) {
        const { exitCode } = child.process;
        if (exitCode !== null) assert.fail(`one ended by itself: ${(await child.ended).stdout}`);
        child.process.kill("SIGTERM");
      }
      for (const [i, child] of machines.entries()) {
        const { stdout } = await child.ended;
        const said = stdout.match(/The database is \w+/g);
        assert.deepEqual(said, ["The database is away", "The database is back"], stdout);
        const steps = toyLog(logs[i]);
        assert.ok(steps.length > backFrom[i], `${backFrom[i]} -> ${steps.length}`);
        assert.deepEqual(steps, steps.map((_, i) => i + 1), logs[i]);
      }
      await idle.ended;
    }),
);

test(
  "the same with real trainings, which go on meanwhile and send what is new when it is back",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const env = { GNOMIC_FLEET: postgres!.address };
      const file = sweepFile(folder, "real", 20_000, [1, 2]);
      const blobs = ["--blobs", join(folder, "blobs")];
      const asked = await gnomic(["sweep", "run", file, "--detach", ...blobs], { env });
      assert.equal(asked.code, 0, asked.stderr);
      const machines = ["a", "b"].map((name) => machine(postgres!, folder, name));
      const holders = () => row(postgres!, "real", "trial, worker, fence, attempts");
      await until(() => /^1\|[ab]\|.*\n2\|[ab]\|/.test(holders()));
      await sentAt(postgres!, "real", 1);
      const before = holders();
      const reached = () => machines.map((each) => Math.max(0, ...runsOf(each).flatMap(stepsOf)));
      await until(() => reached().every((step) => step > 0));

      postgres!.crash();
      const goneFrom = reached();
      await sleep(awaySeconds * 1000);
      const backFrom = reached();
      assert.ok(backFrom.every((step, i) => step > goneFrom[i]), `${goneFrom} -> ${backFrom}`);
      postgres!.start();
      const sent = () =>
        row(postgres!, "real", "coalesce(snapshot, '{}')").split("\n")
          .map((text) => JSON.parse(text).step ?? 0);
      await until(() => sent().every((step) => step >= Math.min(...backFrom)));
      assert.equal(holders(), before);
      const cancelled = await gnomic(["sweep", "cancel", "real"], { env });
      assert.equal(cancelled.code, 0, cancelled.stderr);
      await until(() => /^1\|\|.*\n2\|\|/.test(holders()));
      await stop(...machines);
      for (const each of machines) {
        const [run] = runsOf(each);
        const steps = stepsOf(run);
        assert.ok(steps.length > Math.min(...backFrom), `${backFrom} -> ${steps.length}`);
        assert.deepEqual(steps, steps.map((_, i) => i + 1), run);
      }
    }),
);
