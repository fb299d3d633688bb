// Three machines with folders of their own, as worker processes: what one began another ends, at the step of
// the newest snapshot, to the same bytes. Run by `deno task test:fleet`; the trainings are real.
// The trap: a worker's child is another process group, so a test that freezes or kills a machine has to name it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { type Child } from "../../runtime/testing/child.ts";
import { eventsOf, gnomic, resultsOf, smallTraining, start } from "../end-to-end/project.ts";
import { fleetTests, type Postgres, startPostgres } from "./postgres.ts";

const postgres: Postgres | null = fleetTests.skip === false ? await startPostgres() : null;
after(() => postgres?.remove());

const leaseSeconds = 6;

const stepsIn = (run: string) =>
  eventsOf(run).flatMap((event) => event.event === "step" ? [event.step] : []);

/** A sweep file beside its configuration, in a folder that only this machine sees. */
function sweepFile(folder: string, sweep: string, steps: number, seeds: readonly number[]): string {
  const training = {
    max_train_steps: steps,
    fixed_loss_every: 8,
    save_every_n_steps: 5,
    validation_prompts: [],
    validate_every_n_steps: steps,
    base_output_dir: join(folder, "output"),
  };
  writeFileSync(
    join(folder, `${sweep}.cfg.yaml`),
    JSON.stringify({ ...smallTraining, ...training }),
  );
  const file = join(folder, `${sweep}.yaml`);
  writeFileSync(
    file,
    JSON.stringify({
      sweep,
      pipeline: "sdxl-ti",
      config: `${sweep}.cfg.yaml`,
      matrix: { seed: seeds },
      rank: { by: "fixed_loss" },
    }),
  );
  return file;
}

/** A machine: a worker with a folder of its own. */
interface Machine {
  readonly name: string;
  readonly folder: string;
  readonly child: Child;
}

const machine = (folder: string, name: string): Machine => ({
  name,
  folder: join(folder, name),
  child: start([
    ...["worker", "--name", name, "--lease", String(leaseSeconds), "--slots", "1"],
    ...["--blobs", join(folder, "blobs"), "--output", join(folder, name)],
    ...["--snapshot-every", "1"],
  ], { env: { GNOMIC_FLEET: postgres!.address } }),
});

const runsOf = ({ folder }: Machine): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder).map((name) => join(folder, name)).filter((run) =>
      existsSync(join(run, "run.json"))
    )
    : [];

/** The process that trains for a machine. */
const trainerOf = ({ child }: Machine): number | null => {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(child.process.pid)], {
    encoding: "utf8",
  });
  const pid = Number(stdout.trim().split("\n")[0]);
  return pid > 0 ? pid : null;
};

const isAlive = (pid: number) => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
};

const signal = (pid: number | null | undefined, name: NodeJS.Signals) => {
  if (pid) process.kill(pid, name);
};

/** What the database has of a sweep's runs. */
const row = (sweep: string, what: string) =>
  postgres!.sql(`SELECT ${what} FROM gnomic_runs WHERE sweep = '${sweep}' ORDER BY trial`).trim();

/** Until a run has a snapshot at a step at least. */
async function sentAt(sweep: string, step: number): Promise<void> {
  const sent = () =>
    row(sweep, "coalesce(snapshot, '{}')").split("\n").some((text) =>
      (JSON.parse(text || "{}").step ?? 0) >= step
    );
  while (!sent()) await sleep(100);
}

async function stop(...machines: readonly Machine[]): Promise<void> {
  for (const { child } of machines) signal(child.process.pid, "SIGTERM");
  for (const { child } of machines) await child.ended;
}

const shown = async (folder: string, sweep: string) => {
  const { stdout, stderr } = await gnomic(
    ["sweep", "show", sweep, "--output", join(folder, "output"), "--json"],
    { env: { GNOMIC_FLEET: postgres!.address } },
  );
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
};

/** Never killed, on one machine, by itself. */
async function alone(folder: string, file: string, sweep: string) {
  const output = join(folder, "alone");
  const { code, stderr } = await gnomic(["sweep", "run", file, "--output", output]);
  assert.equal(code, 0, stderr);
  const { stdout } = await gnomic(["sweep", "show", sweep, "--output", output, "--json"]);
  return JSON.parse(stdout);
}

/** A leaderboard without times and machines. */
const ranking = ({ rows }: any) =>
  rows.map(({ seconds: _1, machine: _2, run, checkpoint, ...row }: any) => ({
    ...row,
    run: run.split("/").at(-1),
    checkpoint: checkpoint?.split("/").slice(-2),
  }));

test(
  "a machine is killed with what it trains: another goes on from the snapshot, to the same bytes",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const file = sweepFile(folder, "killed", 30, [1, 2, 3]);
      const env = { GNOMIC_FLEET: postgres!.address };
      const running = start(["sweep", "run", file, "--blobs", join(folder, "blobs")], { env });
      await running.line(/Workers of postgres:/);
      const [a, b] = [machine(folder, "a"), machine(folder, "b")];
      await sentAt("killed", 8);
      // The one whose run was sent that far.
      const victim = JSON.parse(
        postgres!.sql(
          `SELECT json_build_object('worker', worker, 'trial', trial, 'mark', snapshot)
           FROM gnomic_runs WHERE sweep = 'killed' AND snapshot IS NOT NULL AND worker <> ''
           ORDER BY (snapshot::json->>'step')::int DESC LIMIT 1`,
        ),
      );
      const killed = [a, b].find(({ name }) => name === victim.worker)!;
      const trainer = trainerOf(killed);
      signal(killed.child.process.pid, "SIGKILL");
      signal(trainer, "SIGKILL");
      await killed.child.ended;
      const mark = JSON.parse(
        row("killed", "snapshot").split("\n")[victim.trial - 1],
      );
      const run = runsOf(killed).find((each) => stepsIn(each).length >= mark.step)!;
      rmSync(join(folder, "never"), { recursive: true, force: true });
      const c = machine(folder, "c");
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stdout + stderr);
      await stop(...[a, b, c].filter((each) => each !== killed));

      const board = await shown(folder, "killed");
      assert.deepEqual(board.rows.map(({ state }: any) => state), ["done", "done", "done"]);
      const all = Array.from({ length: 30 }, (_, i) => i + 1);
      for (const { run } of board.rows) assert.deepEqual(stepsIn(run), all, "each step once");

      // It went on at the step of the snapshot, and the manifest names both machines.
      const home = join(folder, "output", run.split("/").at(-1)!);
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
      const a = machine(folder, "a");
      await sentAt("frozen", 5);
      const trainer = trainerOf(a);
      assert.notEqual(trainer, null);
      signal(a.child.process.pid, "SIGSTOP");
      signal(trainer, "SIGSTOP");
      const b = machine(folder, "b");
      const thawAt = Date.now() + 16_000;
      while (row("frozen", "worker") !== "b") await sleep(100);
      await sleep(Math.max(0, thawAt - Date.now()));
      const before = row("frozen", "fence");
      signal(trainer, "SIGCONT");
      signal(a.child.process.pid, "SIGCONT");
      for (let waited = 0; isAlive(trainer!) && waited < 30; waited++) await sleep(100);
      assert.equal(isAlive(trainer!), false, "its child is gone within 3 s");
      assert.equal(row("frozen", "fence"), before);
      assert.notEqual(row("frozen", "worker"), "a");

      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stdout + stderr);
      await stop(a, b);
      const results = postgres!.sql("SELECT outcome FROM gnomic_results WHERE sweep = 'frozen'");
      assert.equal(results.trim().split("\n").length, 1);
      assert.equal(JSON.parse(results).outcome, "done");
      const board = await shown(folder, "frozen");
      const other = await alone(folder, file, "frozen");
      assert.deepEqual(ranking(board), ranking(other));
      assert.deepEqual(resultsOf(board.rows[0].run), resultsOf(other.rows[0].run));
      assert.deepEqual(stepsIn(board.rows[0].run), Array.from({ length: 40 }, (_, i) => i + 1));
    }),
);
