// Three machines with folders of their own, as worker processes: what one began another ends, at the step of
// the newest snapshot, to the same bytes. Run by `deno task test:fleet`; the trainings are real.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, gnomic, resultsOf, start } from "../end-to-end/project.ts";
import {
  alone,
  isAlive,
  machine,
  ranking,
  row,
  runsOf,
  sentAt,
  shown,
  signal,
  stepsIn,
  stop,
  sweepFile,
  trainerOf,
} from "./machines.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";

const postgres = await postgresForTests();

test(
  "a machine is killed with what it trains: another goes on from the snapshot, to the same bytes",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const steps = 90;
      const file = sweepFile(folder, "killed", steps, [1, 2, 3]);
      const env = { GNOMIC_FLEET: postgres!.address };
      const running = start(["sweep", "run", file, "--blobs", join(folder, "blobs")], { env });
      await running.line(/Workers of postgres:/);
      const [a, b] = [machine(postgres!, folder, "a"), machine(postgres!, folder, "b")];
      await sentAt(postgres!, "killed", 8);
      // The one whose run was sent that far; held while it is chosen, so that it does not end meanwhile.
      const trainers = [a, b].map(trainerOf);
      trainers.forEach((trainer) => signal(trainer, "SIGSTOP"));
      const victim = JSON.parse(
        postgres!.sql(
          `SELECT json_build_object('worker', worker, 'trial', trial, 'mark', snapshot)
           FROM gnomic_runs WHERE sweep = 'killed' AND snapshot IS NOT NULL AND worker <> ''
           ORDER BY (snapshot::json->>'step')::int DESC LIMIT 1`,
        ),
      );
      const killed = [a, b].find(({ name }) => name === victim.worker)!;
      signal(killed.child.process.pid, "SIGKILL");
      [a, b].forEach((each, i) => signal(trainers[i], each === killed ? "SIGKILL" : "SIGCONT"));
      await killed.child.ended;
      // What it had asked the database for just before may still be done.
      const asking = () =>
        postgres!.sql(
          `SELECT count(*) FROM pg_stat_activity
           WHERE application_name LIKE 'gnomic % ${killed.child.process.pid}'`,
        ).trim();
      while (asking() !== "0") await sleep(100);
      const mark = JSON.parse(
        postgres!.sql(
          `SELECT snapshot FROM gnomic_runs WHERE sweep = 'killed' AND trial = ${victim.trial}`,
        ),
      );
      const c = machine(postgres!, folder, "c");
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stdout + stderr);
      await stop(...[a, b, c].filter((each) => each !== killed));

      const board = await shown(postgres!, folder, "killed");
      assert.deepEqual(board.rows.map(({ state }: any) => state), ["done", "done", "done"]);
      const all = Array.from({ length: steps }, (_, i) => i + 1);
      for (const { run } of board.rows) assert.deepEqual(stepsIn(run), all, "each step once");

      // It went on at the step of the snapshot, in its second attempt.
      const home = board.rows.find(({ trial }: any) => trial === victim.trial).run;
      const { attempts } = JSON.parse(readFileSync(join(home, "run.json"), "utf8"));
      assert.equal(attempts.length, 2);
      assert.equal(attempts[1].fromStep, mark.step);

      const other = await alone(folder, file, "killed");
      assert.deepEqual(ranking(board), ranking(other));
      for (const [i, { run }] of board.rows.entries()) {
        assert.deepEqual(resultsOf(run), resultsOf(other.rows[i].run));
      }
      assert.deepEqual(
        readFileSync(join(folder, "output", "killed", "best.safetensors")),
        readFileSync(join(folder, "alone", "killed", "best.safetensors")),
      );
    }),
);

test(
  "a machine is frozen for longer than its lease: the run ends elsewhere, and it touches nothing",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const file = sweepFile(folder, "frozen", 40, [1]);
      const env = { GNOMIC_FLEET: postgres!.address };
      const running = start(["sweep", "run", file, "--blobs", join(folder, "blobs")], { env });
      await running.line(/Workers of postgres:/);
      const a = machine(postgres!, folder, "a");
      await sentAt(postgres!, "frozen", 5);
      const trainer = trainerOf(a);
      assert.notEqual(trainer, null);
      signal(a.child.process.pid, "SIGSTOP");
      signal(trainer, "SIGSTOP");
      const b = machine(postgres!, folder, "b");
      const thawAt = Date.now() + 16_000;
      while (row(postgres!, "frozen", "worker") !== "b") await sleep(100);
      await sleep(Math.max(0, thawAt - Date.now()));
      const before = row(postgres!, "frozen", "fence");
      signal(trainer, "SIGCONT");
      signal(a.child.process.pid, "SIGCONT");
      while (isAlive(trainer!)) await sleep(100);
      assert.ok(runsOf(a).every((run) => !stepsIn(run).includes(40)), "its child is ended before");
      assert.equal(row(postgres!, "frozen", "fence"), before);
      assert.notEqual(row(postgres!, "frozen", "worker"), "a");

      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stdout + stderr);
      await stop(a, b);
      const results = postgres!.sql("SELECT outcome FROM gnomic_results WHERE sweep = 'frozen'");
      assert.equal(results.trim().split("\n").length, 1);
      assert.equal(JSON.parse(results).outcome, "done");
      const board = await shown(postgres!, folder, "frozen");
      const other = await alone(folder, file, "frozen");
      assert.deepEqual(ranking(board), ranking(other));
      assert.deepEqual(resultsOf(board.rows[0].run), resultsOf(other.rows[0].run));
      assert.deepEqual(stepsIn(board.rows[0].run), Array.from({ length: 40 }, (_, i) => i + 1));
    }),
);

test(
  "a run that a worker has in a folder of its own is asked from elsewhere to save and to stop",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const file = sweepFile(folder, "asked", 4000, [5]);
      const env = { GNOMIC_FLEET: postgres!.address };
      const blobs = join(folder, "blobs");
      const left = await gnomic(["sweep", "run", file, "--detach", "--blobs", blobs], { env });
      assert.equal(left.code, 0, left.stderr);
      const a = machine(postgres!, folder, "a");
      await sentAt(postgres!, "asked", 2);
      const [run] = runsOf(a);
      const ask = async (request: string) => {
        const { code, stderr } = await gnomic(
          ["runs", request, basename(run), "--output", join(folder, "output")],
          { env },
        );
        assert.equal(code, 0, stderr);
      };
      await ask("save");
      await ask("stop");
      while (row(postgres!, "asked", "worker") === "a") await sleep(100);
      const saved = eventsOf(run).filter(({ event }) => event === "checkpoint");
      assert.ok(saved.some(({ step }: any) => step % 5 !== 0), "one that was not due");
      const outcome = postgres!.sql("SELECT outcome FROM gnomic_results WHERE sweep = 'asked'");
      assert.equal(JSON.parse(outcome).outcome, "cancelled");
      await stop(a);
    }),
);
