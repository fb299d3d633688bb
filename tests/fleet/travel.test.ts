// Three machines with folders of their own, as worker processes: what one began another ends, at the step of
// the newest snapshot, to the same bytes. Run by `deno task test:fleet`; the trainings are real.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, gnomic, resultsOf, start, stepsOf } from "../end-to-end/project.ts";
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
  stop,
  sweepFile,
  trainerOf,
} from "./machines.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { until } from "./until.ts";

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
      // The one whose run was sent that far; held while it is chosen, so that it does not end meanwhile. One that
      // has ended already is not chosen, and then another is, later.
      let trainers: readonly (number | null)[] = [];
      let victim = { worker: "", trial: 0 };
      await until(() => {
        trainers = [a, b].map(trainerOf);
        trainers.forEach((trainer) => signal(trainer, "SIGSTOP"));
        const sent = postgres!.sql(
          `SELECT json_build_object('worker', worker, 'trial', trial)
           FROM gnomic_runs WHERE sweep = 'killed' AND snapshot IS NOT NULL AND worker <> ''
           ORDER BY (snapshot::json->>'step')::int DESC LIMIT 1`,
        );
        if (sent !== "") victim = JSON.parse(sent);
        const isHeld = [a, b].some(({ name }, i) => name === victim.worker && trainers[i] !== null);
        if (!isHeld) trainers.forEach((trainer) => signal(trainer, "SIGCONT"));
        return isHeld;
      });
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
      await until(() => asking() === "0");
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
      for (const { run } of board.rows) assert.deepEqual(stepsOf(run), all, "each step once");

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
      const steps = 160;
      const file = sweepFile(folder, "frozen", steps, [1]);
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
      const fence = () => row(postgres!, "frozen", "fence");
      const held = fence();
      await until(() => fence() !== held);
      await sleep(Math.max(0, thawAt - Date.now()));
      const before = fence();
      signal(trainer, "SIGCONT");
      signal(a.child.process.pid, "SIGCONT");
      await until(() => !isAlive(trainer!));
      const reached = runsOf(a).flatMap(stepsOf);
      assert.ok(!reached.includes(steps), "its child is ended before its last step");
      assert.equal(fence(), before);
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
      assert.deepEqual(stepsOf(board.rows[0].run), Array.from({ length: steps }, (_, i) => i + 1));
    }),
);

test(
  "a run that a worker has in a folder of its own is asked from elsewhere to save and to stop",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const steps = 20_000;
      const file = sweepFile(folder, "asked", steps, [5], { save_every_n_steps: steps });
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
      const isSaved = () => eventsOf(run).some(({ event }) => event === "checkpoint");
      assert.equal(isSaved(), false, "none is due");
      await ask("save");
      await until(isSaved);
      await ask("stop");
      await until(() => row(postgres!, "asked", "worker") !== "a");
      const outcome = postgres!.sql("SELECT outcome FROM gnomic_results WHERE sweep = 'asked'");
      assert.equal(JSON.parse(outcome).outcome, "cancelled");
      await stop(a);
    }),
);
