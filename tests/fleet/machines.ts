// Machines of a fleet for tests: worker processes with folders of their own, and what the database has of their
// runs.
// The trap: a worker's child is another process group, so a test that freezes or kills a machine has to name it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Child } from "../../runtime/testing/child.ts";
import { gnomic, smallTraining, start } from "../end-to-end/project.ts";
import type { Postgres } from "./postgres.ts";
import { until } from "./until.ts";

export const leaseSeconds = 6;

/** A sweep file beside its configuration, in a folder that only this machine sees. */
export function sweepFile(
  folder: string,
  sweep: string,
  steps: number,
  seeds: readonly number[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  const training = {
    max_train_steps: steps,
    fixed_loss_every: 8,
    save_every_n_steps: 5,
    validation_prompts: [],
    validate_every_n_steps: steps,
    base_output_dir: join(folder, "output"),
    ...more,
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
export interface Machine {
  readonly name: string;
  readonly folder: string;
  readonly child: Child;
}

export const machine = (postgres: Postgres, folder: string, name: string): Machine => ({
  name,
  folder: join(folder, name),
  child: start([
    ...["worker", "--name", name, "--lease", String(leaseSeconds), "--slots", "1"],
    ...["--blobs", join(folder, "blobs"), "--output", join(folder, name)],
    ...["--snapshot-every", "1"],
  ], { env: { GNOMIC_FLEET: postgres.address } }),
});

export const runsOf = ({ folder }: Machine): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder).map((name) => join(folder, name)).filter((run) =>
      existsSync(join(run, "run.json"))
    )
    : [];

/** The process that trains for a machine. */
export const trainerOf = ({ child }: Pick<Machine, "child">): number | null => {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(child.process.pid)], {
    encoding: "utf8",
  });
  const pid = Number(stdout.trim().split("\n")[0]);
  return pid > 0 ? pid : null;
};

export const isAlive = (pid: number) => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
};

export const signal = (pid: number | null | undefined, name: NodeJS.Signals) => {
  if (pid) process.kill(pid, name);
};

/** What the database has of a sweep's runs. */
export const row = (postgres: Postgres, sweep: string, what: string) =>
  postgres.sql(`SELECT ${what} FROM gnomic_runs WHERE sweep = '${sweep}' ORDER BY trial`).trim();

/** Until a run has a snapshot at a step at least. */
export async function sentAt(postgres: Postgres, sweep: string, step: number): Promise<void> {
  const sent = () =>
    row(postgres, sweep, "coalesce(snapshot, '{}')").split("\n").some((text) =>
      (JSON.parse(text || "{}").step ?? 0) >= step
    );
  await until(sent);
}

export async function stop(...machines: readonly Machine[]): Promise<void> {
  for (const { child } of machines) signal(child.process.pid, "SIGTERM");
  for (const { child } of machines) await child.ended;
}

export const shown = async (postgres: Postgres, folder: string, sweep: string) => {
  const { stdout, stderr } = await gnomic(
    ["sweep", "show", sweep, "--output", join(folder, "output"), "--json"],
    { env: { GNOMIC_FLEET: postgres.address } },
  );
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
};

/** Never killed, on one machine, by itself. */
export async function alone(folder: string, file: string, sweep: string) {
  const output = join(folder, "alone");
  const { code, stderr } = await gnomic(["sweep", "run", file, "--output", output]);
  assert.equal(code, 0, stderr);
  const { stdout } = await gnomic(["sweep", "show", sweep, "--output", output, "--json"]);
  return JSON.parse(stdout);
}

/** A leaderboard without times and machines. */
export const ranking = ({ rows }: any) =>
  rows.map(({ seconds: _1, machine: _2, run, checkpoint, ...row }: any) => ({
    ...row,
    run: run.split("/").at(-1),
    checkpoint: checkpoint?.split("/").slice(-2),
  }));
