// Machines with toy trainings, and what became of their sweeps.
// The trap: tables are asked through GNOMIC_FLEET, so a test that uses this sets it for itself.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { folderBlobs } from "../../fleet/blobs.ts";
import { boardOf } from "../../fleet/leaderboard.ts";
import { fleetAt } from "../../fleet/connection.ts";
import type { Members } from "../../fleet/members.ts";
import { withTables } from "../../fleet/open-tables.ts";
import type { PlannedSweep } from "../../fleet/planned-sweep.ts";
import { bringRuns } from "../../fleet/runs-of-sweep.ts";
import type { Tables } from "../../fleet/tables.ts";
import { type Child, startChild } from "../../runtime/testing/child.ts";
import type { Runtime } from "../../runtime/testing/other-runtime.ts";
import { toyChain, toyLog } from "./toy-training.ts";
import { until } from "./until.ts";

const script = fileURLToPath(new URL("./toy-machine.ts", import.meta.url));
/** Seconds. */
export const toyLease = 6;

/** Where it ends, as by kill -9. Each is what it is about to do. */
export const points = [
  "claim",
  "restore",
  "step",
  "blob",
  "row",
  "result",
  "answer",
  "decision",
  "release",
] as const;

export type Point = typeof points[number];

/** What the process is told. */
export interface ToyMachine {
  readonly name: string;
  /** The folder of runs of this machine. */
  readonly base: string;
  readonly blobs: string;
  readonly lease: number;
  readonly slots: number;
  readonly stepMs: number;
  /** It trains no other; null: all. */
  readonly sweep: string | null;
  readonly dies: Point | null;
}

/** Asks the tables of the fleet. */
export const ask = <A>(
  what: (tables: Tables["Service"]) => Effect.Effect<A, unknown, Tables | Members>,
): Promise<A> =>
  Effect.runPromise(Effect.flatMap(fleetAt("."), (fleet) => withTables(fleet, what)));

export const blobsIn = (folder: string) => join(folder, "blobs");

/** Starts one with a folder of its own in `folder`. */
export function toyMachine(
  folder: string,
  name: string,
  more: Partial<ToyMachine> & {
    readonly runtime?: Runtime;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Child {
  const { runtime, env = {}, ...own } = more;
  const options: ToyMachine = {
    ...{ name, base: join(folder, name), blobs: blobsIn(folder), lease: toyLease },
    ...{ slots: 1, stepMs: 20, sweep: null, dies: null },
    ...own,
  };
  return startChild(script, [JSON.stringify(options)], {
    env,
    ...(runtime === undefined ? {} : { runtime }),
  });
}

export const untilDone = (...sweeps: readonly string[]) =>
  until(() =>
    ask((tables) =>
      Effect.map(
        tables.sweeps,
        (all) => all.filter(({ name, state }) => sweeps.includes(name) && state === "running"),
      )
    ).then((running) => running.length === 0)
  );

/** What a sweep came to: its leaderboard without times and machines, and of each run its log and its chain. */
export async function cameTo(folder: string, plan: PlannedSweep) {
  const said: string[] = [];
  const board = await ask((tables) =>
    Effect.gen(function* () {
      const sweep = (yield* tables.findSweep(plan.name))!;
      yield* bringRuns(sweep.plan, yield* folderBlobs(blobsIn(folder)), (line) => said.push(line));
      return (yield* boardOf(tables, sweep)).board;
    })
  );
  const rows = board.rows.map(({ seconds: _1, machine: _2, run: _3, checkpoint: _4, ...row }) =>
    row
  );
  const done = board.rows.filter(({ state }) => state === "done");
  const runs = await Promise.all(
    done.map(async ({ trial, run }) => ({ trial, steps: toyLog(run), chain: await toyChain(run) })),
  );
  return { board, rows, runs, said };
}
