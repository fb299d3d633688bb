// A plan executed with everybody looking, in a folder that is locked: events and control are opened, and
// however it ends, the log says so.
// The trap: the end is said also when Ctrl-C interrupts at once, so nothing here may wait for long.
import { Clock, Context, type Exit, Layer, Schedule } from "effect";
import { Effect } from "../../lib/effect.ts";
import type { Fault } from "../../lib/fault.ts";
import { openControl } from "../control.ts";
import { eventCodec } from "../events.ts";
import { planEvent } from "../plan/explain.ts";
import type { Plan } from "../plan/plan.ts";
import type { Prepared } from "../plan/prepare.ts";
import { versions } from "../platform/versions.ts";
import { openRunBlobs } from "../store/blob-store.ts";
import { sweepTemporary } from "../../lib/remove-temporary.ts";
import { type AttemptRecorder, beginAttempt } from "./attempt-recorder.ts";
import { openEventLog } from "../run-folder/event-log.ts";
import { executeRepairing, type Outcomes } from "./execute.ts";
import { type Lock, LockLost } from "../../lib/lock.ts";
import { type EventStream, openEventStream, type RunObserver } from "./observers.ts";
import { exitCodeOfOutcome, outcomeOf, resultFiles, type RunOutcome } from "./outcome.ts";
import { Events, Requests, Results, RunFolder, type RunServices, Stop } from "./stage-tools.ts";
import type { StopSignal } from "./stop-signal.ts";
import { savedOrigin, savedStep } from "../run-folder/state.ts";
import { eventsFile } from "../run-folder/run-files.ts";

/** Those who start a run and look at it. */
export interface Observation {
  /** Ends the run after its step. */
  readonly stop: StopSignal;
  /** Asked once the events so far are in order; null: there is no run folder. */
  readonly observers: (runDir: string | null) => Effect.Effect<readonly RunObserver[]>;
  /** Told what will be done, before anything is. */
  readonly onPlan: (plan: Plan, prepared: Prepared) => void;
}

/** How often requests are looked for while no stage asks. */
const controlEvery = "1 second";

const announce = Effect.fnUntraced(function* (
  { configuration, notes, warnings, run, facts }: Prepared,
  plan: Plan,
  recorder: AttemptRecorder | null,
) {
  const events = yield* Events;
  yield* events.publish({
    event: "run-started",
    run: run.name,
    trigger: configuration.trigger,
    attempt: recorder?.number ?? 1,
    step: plan.run.step ?? 0,
    totalSteps: configuration.steps ?? 0,
    device: facts.device ?? "none",
    versions,
  });
  yield* events.publish(planEvent(plan));
  for (const text of notes) yield* events.publish({ event: "note", text });
  const { lost } = plan.run;
  const differs = recorder?.differs ?? null;
  const odd = [
    ...warnings,
    ...(differs === null ? [] : [`This run was ${differs}.`]),
    ...(lost === null ? [] : [`run.json was ${lost}; it is made again from the run's state.`]),
  ];
  for (const text of odd) yield* events.publish({ event: "warning", text });
  if (plan.run.step !== null && (yield* savedOrigin(plan.run.dir)) === null) {
    const text =
      "The training's state is of a gnomic that kept no digest of it; it was checked as " +
      "far as it can be, and gets one with the next step.";
    yield* events.publish({ event: "note", text });
  }
});

/** All stages of the run folder take part. */
const isWhole = ({ stages }: Plan, { selection }: Prepared) =>
  stages.every(({ id, lifetime, action }) =>
    lifetime === "cached" || (action !== "excluded" && !selection.given.has(id))
  );

/** Where the attempt happens. */
export interface Place {
  readonly dir: string;
  /** Null: there is no run, only results for the store. */
  readonly lock: Lock | null;
}

/** Who lost the lock writes nothing into what is another's run by now. */
const isOurs = ({ fault }: RunOutcome) => !(fault instanceof LockLost);

const publishEnd = (
  events: EventStream,
  { ending, step, files, fault }: RunOutcome,
  seconds: number,
  early: boolean,
) => {
  const at = step ?? 0;
  return events.publish(
    ending === "stopped"
      ? { event: "run-stopped", step: at, reason: "asked to stop" }
      : ending === "paused"
      ? { event: "run-paused", step: at }
      : ending === "failed"
      ? { event: "run-failed", step: at, error: fault!.message }
      : { event: "run-finished", step: at, seconds, files: [...files], early },
  );
};

/** They close when everybody has seen the end. */
const attemptServices = (
  prepared: Prepared,
  { pipeline }: Plan,
  place: Place,
  observation: Observation,
  recorder: AttemptRecorder | null,
): Layer.Layer<RunServices, Fault> =>
  Layer.effectContext(Effect.gen(function* () {
    const { app, store, stages, info, seed } = prepared;
    const { dir, lock } = place;
    const { stop } = observation;
    const kinds = Object.assign({}, app.events, ...stages.map(({ stage }) => stage.events));
    // Before anything that may take a while (a long log, its event files): what is asked meanwhile counts.
    const control = yield* openControl(dir, stop.request, app.requests);
    const log = yield* openEventLog(eventsFile(dir), eventCodec(kinds));
    const observers = yield* observation.observers(lock === null ? null : dir);
    const keepOutputs = recorder?.keepOutputs ?? (() => Effect.void);
    return Context.make(Events, yield* openEventStream(log, observers)).pipe(
      Context.add(Requests, control),
      Context.add(Stop, stop),
      Context.add(Results, { store, cache: prepared.selection.cache, pipeline }),
      Context.add(RunFolder, { dir, blobs: yield* openRunBlobs(dir), seed, info, keepOutputs }),
    );
  }));

/** Executes the plan. Never fails; `onEnd` is told how it ended. */
const executePlan = Effect.fn("executePlan")(function* (
  prepared: Prepared,
  plan: Plan,
  { dir, lock }: Place,
  recorder: AttemptRecorder | null,
  onEnd: (ending: RunOutcome) => void,
) {
  const { app, store } = prepared;
  const startedAt = yield* Clock.currentTimeMillis;
  const [events, control] = yield* Effect.all([Events, Requests]);
  yield* Effect.forkScoped(
    control.requests("runner").pipe(
      Effect.flatMap(Effect.forEach((request) =>
        app.answer(dir, request).pipe(
          Effect.flatMap((event) => event === undefined ? Effect.void : events.offer(event)),
          Effect.catch((why) =>
            typeof why !== "string" ? Effect.void : events.publish({
              event: "warning",
              text: `What ${app.name} answers to "${request.request}" is no event of it: ${why}`,
            })
          ),
        )
      )),
      Effect.repeat(Schedule.spaced(controlEvery)),
    ),
  );
  if (lock !== null && lock.tookOverFrom !== null) {
    const { pid } = lock.tookOverFrom;
    const text = `${
      pid === null ? "A process that was cut short" : `Process ${pid}`
    } left this run locked and is dead; going on.`;
    yield* events.publish({ event: "warning", text });
  }
  yield* announce(prepared, plan, recorder);

  const finish = (exit: Exit.Exit<Outcomes, Fault>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const trouble = yield* events.trouble;
      const found = outcomeOf(exit, isWhole(plan, prepared));
      const unlogged = trouble !== undefined && found.fault === null && found.ending !== "stopped";
      const ending: RunOutcome = {
        ...(unlogged ? { ending: "failed", fault: trouble } : found),
        run: prepared.run.name,
        dir: prepared.run.dir,
        step: yield* savedStep(dir),
        worked: true,
        files: yield* resultFiles(dir, app.isResult),
      };
      const seconds = Math.max(0, (yield* Clock.currentTimeMillis) - startedAt) / 1000;
      const { steps } = prepared.configuration;
      const early = steps !== null && ending.step !== null && ending.step < steps;
      if (isOurs(ending)) yield* publishEnd(events, ending, seconds, early);
      yield* Effect.ignore(store.digests.save);
      onEnd(ending);
    });

  yield* executeRepairing(prepared, plan).pipe(
    lock === null ? (run) => run : Effect.raceFirst(lock.lost),
    Effect.onExit(finish),
    Effect.exit,
  );
}, Effect.scoped);

/**
 * The attempt as the manifest has it: it says that the attempt begins, and last of all how it ended. Killed
 * before the report is written, a run is not complete, so that the same command writes it.
 */
export const runAttempt = Effect.fn("runAttempt")(function* (
  prepared: Prepared,
  plan: Plan,
  place: Place,
  observation: Observation,
) {
  if (place.lock !== null) yield* sweepTemporary(place.dir);
  const recorder = place.lock === null ? null : yield* beginAttempt(prepared);
  let ending: RunOutcome | undefined;
  const note = Effect.suspend(() =>
    recorder === null || ending === undefined || !isOurs(ending) ? Effect.void : recorder.end({
      exit: exitCodeOfOutcome(ending),
      status: ending.ending === "complete" || ending.ending === "paused"
        ? ending.ending
        : "unfinished",
    })
  );
  yield* executePlan(prepared, plan, place, recorder, (made) => ending = made).pipe(
    Effect.provide(attemptServices(prepared, plan, place, observation, recorder)),
    Effect.onExit(() => Effect.ignore(note)),
  );
  return ending!;
});
