// One attempt at a run: plan, lock its folder, execute, and note how it went. The same command after any
// end finds the same folder and goes on there.
// The trap: nothing is written before the plan is made and every option has been looked at, and a run
// that is complete is not touched at all.
import { basename, join } from "node:path";
import { Clock, Effect, type Exit, Schedule } from "effect";
import type { Fault } from "../engine/fault.ts";
import { makeFolder } from "./atomic-write.ts";
import { beginAttempt, endAttempt } from "./attempt.ts";
import { CorruptBlob } from "./blob-store.ts";
import { openControl } from "./control.ts";
import { streamMentions } from "./durable-stream.ts";
import { type Ending, endingOf, exitCodeOfEnding, resultFiles } from "./ending.ts";
import { type EventLog, openEventLog } from "./event-log.ts";
import { execute, type Outcomes } from "./execute.ts";
import { whyText } from "./explain.ts";
import { Files } from "./files.ts";
import { type Lock, lockRun } from "./lock.ts";
import { makePlan } from "./make-plan.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { type EventStream, openEventStream, type RunObserver } from "./observers.ts";
import type { Plan } from "./plan.ts";
import { type Command, preflight, prepare, type Prepared, type World } from "./prepare.ts";
import type { Surroundings } from "./stage-tools.ts";
import { savedMetadata, savedStep } from "./state.ts";
import type { StopSignal } from "./stop-signal.ts";
import { versions } from "./versions.ts";

/** Those who start a run and look at it. */
export interface Attending {
  readonly stop: StopSignal;
  /** Asked once the events so far are in order; null: there is no run folder. */
  readonly observers: (runDir: string | null) => Effect.Effect<readonly RunObserver[]>;
  readonly onPlan: (plan: Plan, prepared: Prepared) => void;
}

/** How often a request to stop is looked for while no stage asks. */
const controlEvery = "1 second";
/** How often damaged results are made again before the disk is blamed. */
const repairs = 3;

/** What will be done and why. Writes nothing. */
export const planRun = (prepared: Prepared): Effect.Effect<Plan, Fault> =>
  Effect.gen(function* () {
    const { run, store } = prepared;
    const { name, dir, similar } = run;
    const isNew = run.found === null;
    const step = isNew ? null : yield* savedStep(dir);
    return yield* makePlan({ ...prepared, run: { name, dir, isNew, step, similar } }, store);
  });

const announce = Effect.fnUntraced(function* (
  { configuration, run, device }: Prepared,
  plan: Plan,
  events: EventStream,
  manifest: Manifest | null,
) {
  yield* events.publish({
    event: "run-started",
    run: run.name,
    trigger: configuration.trigger,
    attempt: manifest?.attempts.length ?? 1,
    step: plan.run.step ?? 0,
    totalSteps: configuration.steps ?? 0,
    device: device ?? "none",
    versions,
  });
  yield* publishPlan(plan, events);
  for (const text of configuration.notes) yield* events.publish({ event: "note", text });
});

const publishPlan = (plan: Plan, events: EventStream) =>
  events.publish({
    event: "plan",
    stages: plan.stages.map((stage) => ({
      stage: stage.id,
      cached: stage.action !== "run",
      why: whyText(stage),
    })),
  });

/** Executes; where a stage meets a damaged blob, what made it is made again. */
const executeRepairing = (
  prepared: Prepared,
  plan: Plan,
  surroundings: Omit<Surroundings, "resources">,
  left = repairs,
): Effect.Effect<Outcomes, Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const { events } = surroundings;
    const stages = new Map(prepared.stages.map((each) => [each.id, each]));
    const result = yield* Effect.result(execute(plan, stages, surroundings));
    const faults = result._tag === "Failure"
      ? [result.failure]
      : [...result.success.values()].flatMap((each) => each.outcome === "failed" ? each.fault : []);
    const corrupt = faults.find((fault) => fault instanceof CorruptBlob);
    if (corrupt === undefined || left === 0) return yield* Effect.fromResult(result);
    yield* events.publish({
      event: "warning",
      text: `${corrupt.message} It is made again now.`,
    });
    yield* Effect.ignore(files.remove(corrupt.file!, { force: true }));
    // What made it may have nothing else to do; then it is asked to run for this.
    const makers = yield* streamWriters(prepared, surroundings.runDir, basename(corrupt.file!));
    const forced = new Map([
      ...prepared.selection.forced,
      ...makers.map((id) => [id, "a lost blob of its stream"] as const),
    ]);
    const repairing = { ...prepared, selection: { ...prepared.selection, forced } };
    const again = yield* planRun(repairing);
    yield* publishPlan(again, events);
    return yield* executeRepairing(prepared, again, surroundings, left - 1);
  });

/** The stages whose streams refer to a blob. */
const streamWriters = ({ stages }: Prepared, runDir: string, digest: string) =>
  Effect.filter(stages.map(({ id }) => id), (id) => {
    const ports = Object.keys(stages.find((each) => each.id === id)!.stage.writes);
    return Effect.map(
      Effect.forEach(ports, (port) => streamMentions(runDir, id, port, digest)),
      (found) => found.includes(true),
    );
  });

/** All stages of the run folder take part. */
const isWhole = ({ stages }: Plan, { selection }: Prepared) =>
  stages.every(({ id, lifetime, action }) =>
    lifetime === "cached" || (action !== "excluded" && !selection.given.has(id))
  );

interface Place {
  readonly dir: string;
  /** Null: there is no run, only results for the store. */
  readonly lock: Lock | null;
}

const publishEnd = (
  events: EventStream,
  { ending, step, files, fault }: Ending,
  seconds: number,
  early: boolean,
) => {
  const at = step ?? 0;
  return events.publish(
    ending === "stopped"
      ? { event: "run-stopped", step: at, reason: "asked to stop" }
      : ending === "failed"
      ? { event: "run-failed", step: at, error: fault!.message }
      : { event: "run-finished", step: at, seconds, files: [...files], early },
  );
};

const work = Effect.fnUntraced(function* (
  prepared: Prepared,
  plan: Plan,
  { dir, lock }: Place,
  { stop, observers }: Attending,
) {
  const { store, info, seed, selection } = prepared;
  const startedAt = yield* Clock.currentTimeMillis;
  const manifest = lock === null ? null : yield* beginAttempt(prepared);
  const log: EventLog = yield* openEventLog(join(dir, "events.jsonl"));
  const looking = yield* observers(lock === null ? null : dir);
  const events = yield* openEventStream(log, looking);
  const control = yield* openControl(dir, stop.request);
  yield* Effect.forkScoped(
    Effect.repeat(control.requests("runner"), Schedule.spaced(controlEvery)),
  );
  if (lock !== null && lock.tookOverFrom !== null) {
    const text = `Process ${lock.tookOverFrom.pid} left this run locked and is dead; going on.`;
    yield* events.publish({ event: "warning", text });
  }
  yield* announce(prepared, plan, events, manifest);

  const finish = (exit: Exit.Exit<Outcomes, Fault>): Effect.Effect<Ending> =>
    Effect.gen(function* () {
      const trouble = yield* log.trouble;
      const found = endingOf(exit, isWhole(plan, prepared));
      const unlogged = trouble !== undefined && found.fault === null && found.ending !== "stopped";
      const ending: Ending = {
        ...(unlogged ? { ending: "failed", fault: trouble } : found),
        run: prepared.run.name,
        dir: prepared.run.dir,
        step: yield* savedStep(dir),
        worked: true,
        files: yield* resultFiles(dir),
      };
      const seconds = Math.max(0, (yield* Clock.currentTimeMillis) - startedAt) / 1000;
      const early = (yield* savedMetadata(dir))?.early === "true";
      yield* publishEnd(events, ending, seconds, early);
      yield* Effect.ignore(store.digests.save);
      if (manifest !== null) {
        yield* Effect.ignore(endAttempt(dir, manifest, {
          exit: exitCodeOfEnding(ending),
          complete: ending.ending === "complete",
          outcomes: exit._tag === "Success" ? exit.value : new Map(),
        }));
      }
      return ending;
    });

  let ending: Ending | undefined;
  yield* executeRepairing(prepared, plan, {
    store,
    events,
    control,
    stop,
    runDir: dir,
    seed,
    info,
    cache: selection.cache,
  }).pipe(
    lock === null ? (run) => run : Effect.raceFirst(lock.lost),
    Effect.onExit((exit) => Effect.map(finish(exit), (made) => void (ending = made))),
    Effect.exit,
  );
  return ending!;
});

/** Results for the store alone: events go to the observers, and to a folder that is removed. */
const workWithoutRun = Effect.fnUntraced(
  function* (prepared: Prepared, plan: Plan, attending: Attending) {
    const files = yield* Files;
    const dir = yield* Effect.orDie(files.makeTempDirectoryScoped({ prefix: "gnomic-" }));
    return yield* work(prepared, plan, { dir, lock: null }, attending);
  },
  Effect.scoped,
);

/** Null: another process made or removed the run since it was looked for. */
const workInRun = Effect.fnUntraced(
  function* (prepared: Prepared, plan: Plan, attending: Attending) {
    const { run } = prepared;
    yield* makeFolder(run.dir);
    const lock = yield* lockRun(run.dir);
    const manifest = yield* readManifest(run.dir);
    if ((manifest === null) !== (run.found === null)) return null;
    if (manifest === null) return yield* work(prepared, plan, { dir: run.dir, lock }, attending);
    const current = { ...prepared, run: { ...run, found: { dir: run.dir, manifest } } };
    return yield* work(current, yield* planRun(current), { dir: run.dir, lock }, attending);
  },
  Effect.scoped,
);

/** Runs what a command means. Fails with what is wrong before anything runs; else says how it ended. */
export const runPipeline = (
  command: Command,
  world: World,
  attending: Attending,
): Effect.Effect<Ending, Fault> =>
  Effect.gen(function* () {
    const prepared = yield* prepare(command, world);
    const plan = yield* planRun(prepared);
    attending.onPlan(plan, prepared);
    yield* preflight(prepared, plan);
    if (!prepared.needsRun) return yield* workWithoutRun(prepared, plan, attending);
    const { name, dir, found } = prepared.run;
    const idle = plan.stages.every(({ action }) => action !== "run");
    if (idle && found?.manifest.status === "complete") {
      const step = plan.run.step;
      const files = yield* resultFiles(dir);
      return { ending: "complete", run: name, dir, step, worked: false, files, fault: null };
    }
    const ending = yield* workInRun(prepared, plan, attending);
    return ending ?? (yield* runPipeline(command, world, attending));
  });
