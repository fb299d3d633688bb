// `deno task bench --fleet`: what the engine of sweeps costs, on a PostgreSQL of its own, with trainings that
// are functions: many segments, a worker that idles, a process that is killed in the middle of a sweep; what the
// snapshots of a travelling run cost; and how much later a sweep's first step is than a training's by itself.
// The trap: processor time does not hang on what else runs, wall time does; the note's figures were taken on
// two cores with other work.
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { Effect } from "effect";
import { table } from "../../cli/table.ts";
import { fleetAt } from "../../fleet/connection.ts";
import type { PlannedSweep } from "../../fleet/planned-sweep.ts";
import { withTables } from "../../fleet/open-tables.ts";
import { planOf } from "../../fleet/testing/toy-sweeps.ts";
import { type Child, startChild } from "../../runtime/testing/child.ts";
import { firstSteps } from "./first-step.ts";
import { snapshotCost } from "./snapshots.ts";
import { type Postgres, startPostgres } from "../fleet/postgres.ts";

const script = fileURLToPath(new URL("./fleet-process.ts", import.meta.url));
const leaseSeconds = 6;
/** USER_HZ, which is 100 on every Linux that Node and Deno run on. */
const ticks = 100;

/** Processor time of PostgreSQL so far, in milliseconds: the server, its children and those that ended. */
function postgresTime(pid: number): number {
  const fields = (of: number) => {
    const text = readFileSync(`/proc/${of}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  };
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  const alive = children.split(" ").filter((each) => each !== "").map((child) => {
    try {
      const [, , , , , , , , , , , user, system] = fields(Number(child));
      return user + system;
    } catch {
      return 0; // it has ended meanwhile, and counts among those below
    }
  });
  const [, , , , , , , , , , , user, system, ended, endedSystem] = fields(pid);
  return alive.reduce((sum, each) => sum + each, user + system + ended + endedSystem) *
    1000 / ticks;
}

const started: Child[] = [];

const member = async (postgres: Postgres, name: string, slots: number, milliseconds: number) => {
  const child = startChild(script, [name, String(slots), String(milliseconds)], {
    env: { GNOMIC_FLEET: postgres.address },
  });
  started.push(child);
  await child.line("ready");
  return child;
};

/** Ends it; its processor time in milliseconds. */
async function cpuOf(child: Child): Promise<number> {
  child.process.kill("SIGTERM");
  const { stdout } = await child.ended;
  return Number(/^cpu (.*)$/m.exec(stdout)![1]);
}

const submit = (postgres: Postgres, plan: PlannedSweep) => {
  process.env.GNOMIC_FLEET = postgres.address;
  return Effect.runPromise(
    Effect.flatMap(fleetAt("."), (fleet) => withTables(fleet, (tables) => tables.submit(plan))),
  );
};

const finished = async (postgres: Postgres, name: string, most = 600) => {
  const end = performance.now() + most * 1000;
  const state = () => postgres.sql(`SELECT state FROM gnomic_sweeps WHERE name = '${name}'`).trim();
  while (state() !== "done") {
    if (performance.now() > end) throw new Error(`${name} was not done after ${most} s`);
    await sleep(500);
  }
};

/** Many segments whose training takes no time, through three workers. */
async function many(postgres: Postgres, count: number) {
  const coordinator = await member(postgres, "coordinator", 0, 0);
  const workers = [];
  for (const name of ["a", "b", "c"]) workers.push(await member(postgres, name, 4, 0));
  await sleep(3000);
  const all = [coordinator, ...workers];
  for (const { process } of all) process.kill("SIGUSR2");
  const before = postgresTime(postgres.pid());
  const from = performance.now();
  await submit(postgres, planOf(count, { name: "many", parallel: 64 }));
  await finished(postgres, "many");
  const seconds = (performance.now() - from) / 1000;
  const database = postgresTime(postgres.pid()) - before;
  const [deciding, ...training] = await Promise.all(all.map(cpuOf));
  const each = (milliseconds: number) => milliseconds / count;
  return {
    seconds,
    deciding: each(deciding),
    training: each(training.reduce((sum, time) => sum + time, 0)),
    database: each(database),
  };
}

/** A worker that has nothing to do. */
async function idle(postgres: Postgres, seconds: number) {
  const worker = await member(postgres, "idle", 1, 0);
  // It has joined, and V8 has given back what the start took: a minute later that is 1 % of a core by itself.
  await sleep(90_000);
  postgres.sql("ALTER SYSTEM SET log_statement = 'all'");
  postgres.sql("SELECT pg_reload_conf()");
  await sleep(1000);
  const said = () => (postgres.log().match(/LOG: {2}(statement|execute)/g) ?? []).length;
  worker.process.kill("SIGUSR2");
  const before = said();
  await sleep(seconds * 1000);
  const queries = said() - before;
  const time = await cpuOf(worker);
  postgres.sql("ALTER SYSTEM RESET log_statement");
  postgres.sql("SELECT pg_reload_conf()");
  return { share: time / (seconds * 1000), queries: queries / seconds };
}

/** The process that holds a sweep is killed in its middle: when another goes on, and what was trained. */
async function takeover(postgres: Postgres) {
  const members = new Map<number, Child>();
  for (const name of ["a", "b", "c", "d"]) {
    const child = await member(postgres, name, 1, 400);
    members.set(child.process.pid!, child);
  }
  await sleep(8000);
  await submit(postgres, planOf(27, { name: "halved", rungs: [100, 300], factor: 3, parallel: 4 }));
  const number = (query: string) => Number(postgres.sql(query).trim() || 0);
  const results = () => number("SELECT COUNT(*) FROM gnomic_results WHERE sweep = 'halved'");
  while (results() < 12) await sleep(50);
  // Which process holds the sweep's shard: its number is in the advisory lock, its process in the name.
  const name = postgres.sql(`SELECT a.application_name FROM cluster_messages m
    JOIN pg_locks l ON l.locktype = 'advisory'
      AND CAST(l.objid AS BIGINT) % 1000000 = CAST(split_part(m.shard_id, ':', 2) AS INTEGER)
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE m.entity_type = 'Workflow/Sweep/1' ORDER BY m.id DESC LIMIT 1`).trim();
  const holder = members.get(Number(name.split(" ").at(-1)));
  if (holder === undefined) throw new Error(`nobody holds the sweep: ${name}`);
  holder.process.kill("SIGKILL");
  const killed = performance.now();
  await holder.ended;
  const offered = () => number("SELECT MAX(sequence) FROM effect_queue");
  const before = offered();
  while (offered() === before) {
    if (performance.now() - killed > 60_000) throw new Error("nobody took it over");
    await sleep(50);
  }
  const seconds = (performance.now() - killed) / 1000;
  await finished(postgres, "halved");
  const trained = new Map<string, number>();
  for (const child of members.values()) {
    if (child !== holder) child.process.kill("SIGTERM");
    const { stdout } = await child.ended;
    for (const [, segment] of stdout.matchAll(/^trained (.*)$/gm)) {
      trained.set(segment, (trained.get(segment) ?? 0) + 1);
    }
  }
  const winner = postgres.sql(
    "SELECT trial FROM gnomic_results WHERE sweep = 'halved' AND until = -1 ORDER BY trial",
  ).trim().split("\n").join(", ");
  return { seconds, segments: trained.size, runs: [...trained.values()], winner };
}

export async function benchFleet(print: (line: string) => void): Promise<void> {
  const postgres = await startPostgres();
  try {
    const rows: string[][] = [];
    const row = (what: string, found: string, most: string, note: string) => {
      process.stderr.write(`${what}: ${found}\n`);
      rows.push([what, found, most, note]);
    };
    const one = (value: number, digits = 1) => value.toFixed(digits);
    const quiet = await idle(postgres, 60);
    row("an idle worker, share of a core", `${one(quiet.share * 100, 2)} %`, "1 %", "");
    row("an idle worker, queries a second", one(quiet.queries), "10", "");
    const snapshot = await snapshotCost();
    // Every 30 s, as `--snapshot-every` has it where nothing else is said.
    const share = snapshot.milliseconds / 30_000;
    row("a snapshot every 30 s, share of a core", `${one(share * 100, 2)} %`, "1 %", "");
    row("  bytes for each of state and new", one(snapshot.sent, 3), "1", "");
    row("  the list of files", `${one(snapshot.listBytes / 1024)} KiB`, "", "");
    const first = await firstSteps();
    const later = `${one(first.sweep - first.alone)} s`;
    row(`a sweep's first step, after ${one(first.alone)} s alone`, later, "2 s later, idle", "");
    const count = 1000;
    const through = await many(postgres, count);
    row(`${count} segments, 3 workers`, `${one(through.seconds)} s`, "120 s, idle cores", "124 s");
    row("  processor time each, deciding", `${one(through.deciding)} ms`, "", "15.5 ms");
    row("  workers", `${one(through.training)} ms`, "", "7 ms");
    row("  PostgreSQL", `${one(through.database)} ms`, "", "7 ms");
    const all = through.deciding + through.training + through.database;
    row("  in all processes", `${one(all)} ms`, "50 ms", "29.5 ms");
    const over = await takeover(postgres);
    row(
      "the holder of 27 trials killed",
      `${one(over.seconds)} s`,
      `${leaseSeconds + 3} s`,
      "6.3 s",
    );
    const twice = over.runs.filter((times) => times > 1).length;
    row("  segments, and begun twice", `${over.segments}, ${twice}`, "39, its own", "39, 0");
    row("  went to the end", over.winner, "4, 8, 27", "");
    table([["fleet", "measured", "at most", "the note"], ...rows]).forEach((line) => print(line));
  } finally {
    started.forEach((child) => child.process.kill("SIGKILL"));
    postgres.remove();
  }
}
