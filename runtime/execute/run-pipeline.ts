// One attempt at a run: plan, lock its folder, work, and note how it went. The same command after any end
// finds the same folder and goes on there.
// The trap: nothing is written before the plan is made and every option has been looked at, and a run
// that is complete is not touched at all.
import { Effect } from "effect";
import { makeFolder } from "../../lib/atomic-write.ts";
import { type Fault, fault, Stopped } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { keepDigests, planRun } from "../plan/make-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { preflight } from "../plan/preflight.ts";
import { type Command, prepare, type Prepared } from "../plan/prepare.ts";
import { lockRun } from "../../lib/lock.ts";
import { readRun, setAsideManifest } from "../run-folder/manifest.ts";
import { resultFiles, type RunOutcome } from "./outcome.ts";
import { type Observation, runAttempt } from "./run-attempt.ts";

/** Results for the store alone: events go to the observers, and to a folder that is removed. */
const workWithoutRun = Effect.fnUntraced(
  function* (prepared: Prepared, plan: Plan, observation: Observation) {
    const files = yield* Files;
    const dir = yield* Effect.orDie(files.makeTempDirectoryScoped({ prefix: "gnomic-" }));
    return yield* runAttempt(prepared, plan, { dir, lock: null }, observation);
  },
  Effect.scoped,
);

/** Null: another process made or removed the run since it was looked for. */
const workInRun = Effect.fnUntraced(
  function* (prepared: Prepared, plan: Plan, observation: Observation) {
    const { run } = prepared;
    yield* makeFolder(run.dir);
    const lock = yield* lockRun(run.dir);
    yield* Effect.ignore(prepared.store.digests.save);
    const found = yield* readRun(run.dir);
    if ((found === null) !== (run.found === null)) return null;
    if (found === null) {
      return yield* runAttempt(prepared, plan, { dir: run.dir, lock }, observation);
    }
    if ("orphan" in found) return null;
    if (found.lost !== null) yield* setAsideManifest(run.dir);
    const current = { ...prepared, run: { ...run, found } };
    return yield* runAttempt(
      current,
      yield* planRun(current),
      { dir: run.dir, lock },
      observation,
    );
  },
  Effect.scoped,
);

/** Everything before there is something to stop softly. */
const ready = (command: Command, { onPlan }: Observation) =>
  Effect.gen(function* () {
    const prepared = yield* prepare(command);
    const plan = yield* planRun(prepared);
    onPlan(plan, prepared);
    yield* preflight(prepared, plan);
    const refusal = prepared.facts.refusal;
    if (refusal !== undefined && plan.stages.some(({ action }) => action === "run")) {
      return yield* Effect.fail(refusal);
    }
    yield* keepDigests(prepared);
    return { prepared, plan };
  });

/** `--to-step` names a step that the run has passed: nothing goes back. */
export class PassedStep extends fault("PassedStep", "user") {}

const passed = (step: number, toStep: number) =>
  new PassedStep({
    key: "--to-step",
    wanted: `a step from ${step} on, which this run has reached`,
    found: String(toStep),
    fix: "Name a later step, or leave --to-step out.",
  });

const stoppedEarly = () =>
  new Stopped({
    wanted: "to go on",
    found: "a request to stop before anything ran",
    fix: "Give the same command again.",
  });

/** Runs what a command means. Fails with what is wrong before anything runs; else says how it ended. */
export const runPipeline = (
  command: Command,
  observation: Observation,
): Effect.Effect<RunOutcome, Fault> =>
  Effect.gen(function* () {
    const { prepared, plan } = yield* Effect.raceFirst(
      ready(command, observation),
      Effect.andThen(observation.stop.wait, Effect.fail(stoppedEarly())),
    );
    if (!prepared.needsRun) return yield* workWithoutRun(prepared, plan, observation);
    const { app, run: { name, dir, found } } = prepared;
    const { step } = plan.run;
    const { toStep } = command;
    if (toStep !== undefined && step !== null && step > toStep) return yield* passed(step, toStep);
    const status = found?.manifest.status;
    const isPaused = status === "paused" && step !== null && step === toStep;
    const idle = plan.stages.every(({ action }) => action !== "run");
    if (isPaused || (idle && status === "complete")) {
      const files = yield* resultFiles(dir, app.isResult);
      return { ending: status, run: name, dir, step, worked: false, files, fault: null };
    }
    const ending = yield* workInRun(prepared, plan, observation);
    return ending ?? (yield* runPipeline(command, observation));
  });
