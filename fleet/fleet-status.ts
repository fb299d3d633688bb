// What `fleet` shows, as data: workers with what each does, queues, and the trainings that wait, each with
// why. Made from what the tables hold at one moment.
// The trap: a worker that is silent may only be cut off; what it trains is its own until its lease is over.
import { Effect } from "effect";
import { type Member, Members, type QueueItemRow, type WorkerAbout } from "./members.ts";
import type { PlannedSweep } from "./planned-sweep.ts";
import { silentAfterSeconds } from "./presence.ts";
import { needsText, serves } from "./queues.ts";
import { lacking } from "./stage-versions.ts";
import { isCalledOff, type RunRow, type StoredSweep, Tables } from "./tables.ts";

export interface WorkerLine {
  readonly worker: string;
  readonly machine: string;
  readonly slots: number;
  readonly tool: string;
  readonly silentSeconds: number;
  readonly silent: boolean;
  readonly doing: readonly {
    readonly sweep: string;
    readonly trial: number;
    readonly run: string;
    readonly step: number;
    readonly steps: number | null;
  }[];
}

export interface WaitingLine {
  readonly sweep: string;
  readonly trial: number;
  readonly run: string;
  /** The step that it is to reach; null: its end. */
  readonly until: number | null;
  readonly why: string;
}

export interface FleetStatus {
  readonly workers: readonly WorkerLine[];
  readonly queues: readonly {
    readonly queue: string;
    readonly waiting: number;
    readonly held: number;
  }[];
  readonly waiting: readonly WaitingLine[];
}

export interface FleetFacts {
  readonly members: readonly Member[];
  readonly sweeps: readonly StoredSweep[];
  readonly runs: readonly RunRow[];
  readonly items: readonly QueueItemRow[];
}

/** What the tables hold now. */
export const fleetFacts = Effect.gen(function* () {
  const [tables, members] = [yield* Tables, yield* Members];
  const sweeps = yield* tables.sweeps;
  const runs = yield* Effect.forEach(sweeps, ({ name }) => tables.runs(name));
  return {
    members: yield* members.all,
    sweeps,
    runs: runs.flat(),
    items: yield* members.items,
  } satisfies FleetFacts;
});

/** What a worker lacks to train a sweep's trials. */
export const lacks = (
  { versions = {}, custom = [], threads = 1 }: Pick<
    PlannedSweep,
    "versions" | "custom" | "threads"
  >,
  has: Pick<WorkerAbout, "versions" | "customStages" | "threads">,
): readonly string[] => [
  ...lacking(versions, has.versions),
  ...(threads <= (has.threads ?? Infinity) ? [] : [`${threads} threads a slot`]),
  ...(has.customStages ? [] : custom.map((file) => `--allow-custom-stages for ${file}`)),
];

/** Why nobody trains what waits in a queue. */
function whyWaiting(
  plan: PlannedSweep,
  { queue, segment }: QueueItemRow,
  workers: readonly WorkerLine[],
  facts: FleetFacts,
): string {
  const there = workers.filter(({ silent }) => !silent);
  if (there.length === 0) return "no worker is there";
  const all = there.map((line) => {
    const { about } = facts.members.find(({ name }) => name === line.worker)!;
    const left = about.left?.find(({ sweep, trial }) =>
      sweep === segment.sweep && trial === segment.trial
    );
    if (left !== undefined) return { line, lack: [], left: left.why };
    const serving = about.offers === undefined || serves(queue, about.offers);
    const lack = [...lacks(plan, about), ...(serving ? [] : [needsText(queue)])];
    return { line, lack, left: null };
  });
  const fit = all.filter(({ lack, left }) => lack.length === 0 && left === null)
    .map(({ line }) => line);
  if (fit.length === 0) {
    const least = all.reduce((a, b) => b.lack.length < a.lack.length ? b : a);
    return least.left === null
      ? `no worker has ${least.lack.join(", ")}`
      : `${least.line.worker} leaves it: ${least.left}`;
  }
  const slots = fit.reduce((sum, worker) => sum + worker.slots, 0);
  const busy = fit.reduce((sum, { doing }) => sum + doing.length, 0);
  if (busy < slots) return "the next free slot";
  return slots === 1
    ? "the only slot that could train it is busy"
    : `all ${slots} slots that could train it are busy`;
}

export function fleetStatus(facts: FleetFacts): FleetStatus {
  const { members, sweeps, runs } = facts;
  // What nobody waits for any more is taken off the queue by whoever comes by.
  const items = facts.items.filter(({ segment }) =>
    !isCalledOff(sweeps.find(({ name }) => name === segment.sweep) ?? null, segment)
  );
  const planOf = (name: string) => sweeps.find((sweep) => sweep.name === name)?.plan;
  const trialOf = (sweep: string, trial: number) =>
    planOf(sweep)?.trials.find(({ number }) => number === trial);
  const workers = members.map(({ name, about, silentSeconds }): WorkerLine => ({
    worker: name,
    machine: about.machine,
    slots: about.slots,
    tool: about.tool,
    silentSeconds: Math.round(silentSeconds),
    silent: silentSeconds > silentAfterSeconds,
    doing: runs.filter(({ worker, isTrained }) => isTrained && worker === name)
      .map(({ sweep, trial, step }) => ({
        sweep,
        trial,
        run: trialOf(sweep, trial)?.run ?? "",
        step,
        steps: trialOf(sweep, trial)?.steps ?? null,
      })),
  }));
  const trained = (sweep: string, trial: number) =>
    runs.some((run) => run.sweep === sweep && run.trial === trial && run.isTrained);
  const names = [...new Set(items.map(({ queue }) => queue))].toSorted();
  const queues = names.map((queue) => {
    const mine = items.filter((item) => item.queue === queue);
    const held = mine.filter((item) => item.held).length;
    return { queue, waiting: mine.length - held, held };
  });
  const waiting = items
    .flatMap((item): readonly WaitingLine[] => {
      const { sweep, trial, until } = item.segment;
      const plan = planOf(sweep);
      if (plan === undefined || trained(sweep, trial)) return [];
      const run = trialOf(sweep, trial)?.run ?? "";
      return [{ sweep, trial, run, until, why: whyWaiting(plan, item, workers, facts) }];
    });
  return { workers, queues, waiting };
}
