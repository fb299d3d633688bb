// Executes a plan: every stage in a fiber of its own, each starting when its inputs are there (readers of
// a stream or of drafts start with its writer), all under one scope, so that a failure or Ctrl-C stops
// everything.
// The trap: the failure of a stage with `continueOnError` is an event and an outcome, never the end of the others.
import { basename } from "node:path";
import { Effect } from "effect";
import { type Fault, Paused, Stopped } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import type { PreparedStage } from "../plan/prepared-stage.ts";
import { planEvent } from "../plan/explain.ts";
import { planRun } from "../plan/make-plan.ts";
import type { Plan, PlannedStage } from "../plan/plan.ts";
import type { Prepared } from "../plan/prepare.ts";
import { select } from "../plan/select.ts";
import { CorruptBlob } from "../store/blob-store.ts";
import { streamMentions } from "../store/durable-stream.ts";
import { makeResources } from "../../lib/resources.ts";
import { type Finished, runStage, type StageServices } from "./run-stage.ts";
import { makeSlots, Skipped, Slots } from "./slots.ts";
import { Events, Exclusive, RunFolder, type RunServices, stageTools, Stop } from "./stage-tools.ts";

export type StageOutcome =
  | ({ readonly outcome: "finished" } & Finished)
  | { readonly outcome: "idle" }
  | { readonly outcome: "skipped" }
  | { readonly outcome: "stopped" }
  | { readonly outcome: "paused" }
  | { readonly outcome: "failed"; readonly fault: Fault };

export type Outcomes = ReadonlyMap<string, StageOutcome>;

const interrupted = () =>
  new Stopped({ wanted: "to go on", found: "a request to stop", fix: "Give the command again." });

/** Runs a stage, which waits for its inputs, beside what it can begin without them. */
const warmedUp = <A>(
  { stage, options }: PreparedStage,
  planned: PlannedStage,
  run: Effect.Effect<A, Fault, StageServices>,
): Effect.Effect<A, Fault, StageServices> => {
  const { warmUp } = stage;
  if (warmUp === undefined || planned.action !== "run") return run;
  const begun = Effect.flatMap(
    stageTools(planned, () => {}),
    (tools) => warmUp(options.decoded, tools),
  );
  return Effect.scoped(
    Effect.andThen(Effect.forkScoped(Effect.exit(begun)), run),
  );
};

/** Fails with the fault of the first stage that fails without `continueOnError`. */
export const execute = (
  plan: Plan,
  stages: ReadonlyMap<string, PreparedStage>,
): Effect.Effect<Outcomes, Fault, RunServices> =>
  Effect.gen(function* () {
    const [events, stop, folder] = yield* Effect.all([Events, Stop, RunFolder]);
    const slots = yield* makeSlots(folder.dir, [...stages.values()]);
    const resources = makeResources(plan.stages.map(({ resources }) => resources));

    const settle = (planned: PlannedStage, fault: Fault): Effect.Effect<StageOutcome, Fault> =>
      Effect.gen(function* () {
        const { id } = planned;
        if (fault instanceof Stopped) {
          yield* slots.close(id, fault);
          return { outcome: fault instanceof Paused ? "paused" : "stopped" } as const;
        }
        yield* slots.close(id, null);
        if (fault instanceof Skipped) return { outcome: "skipped" } as const;
        yield* events.publish({
          event: "stage-failed",
          stage: id,
          error: fault.message,
          ...(planned.continueOnError ? { goesOn: true } : {}),
        });
        return planned.continueOnError
          ? { outcome: "failed", fault } as const
          : yield* Effect.fail(fault);
      });

    const one = (planned: PlannedStage): Effect.Effect<StageOutcome, Fault, RunServices> => {
      const { id, action } = planned;
      if (action === "excluded" || action === "unneeded") {
        return Effect.as(slots.close(id, null), { outcome: "idle" });
      }
      const preparedStage = stages.get(id)!;
      const stopsItself = preparedStage.stage.handlesStop ?? false;
      const run = warmedUp(preparedStage, planned, runStage(preparedStage, planned)).pipe(
        Effect.tap(({ outputs }) => folder.keepOutputs(id, outputs)),
        Effect.provideService(Slots, slots),
        Effect.provideService(Exclusive, resources),
      );
      return (stopsItself ? run : Effect.raceFirst(
        run,
        Effect.andThen(stop.wait, Effect.fail<Fault>(interrupted())),
      )).pipe(
        Effect.tap(() => slots.close(id, null)),
        Effect.map((finished): StageOutcome => ({ outcome: "finished", ...finished })),
        Effect.catch((fault) => settle(planned, fault)),
        // A sibling failed: readers of this stage must not wait for it while they are interrupted.
        Effect.onInterrupt(() => slots.close(id, interrupted())),
      );
    };
    const outcomes = yield* Effect.forEach(
      plan.stages,
      (planned) => Effect.map(one(planned), (outcome) => [planned.id, outcome] as const),
      { concurrency: "unbounded" },
    );
    return new Map(outcomes);
  });

/** How often damaged results are made again before the disk is blamed. */
const repairs = 3;

/**
 * Executes; where a stage meets a damaged or lost blob, what made it is made again. A blob of a stream may
 * belong to a stage that owes nothing any more; it is asked to run once more, and goes on from its own state.
 */
export const executeRepairing = (
  prepared: Prepared,
  plan: Plan,
  left = repairs,
): Effect.Effect<Outcomes, Fault, RunServices> =>
  Effect.gen(function* () {
    const [files, events, { dir }] = yield* Effect.all([Files, Events, RunFolder]);
    const stages = new Map(prepared.stages.map((each) => [each.id, each]));
    const result = yield* Effect.result(execute(plan, stages));
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
    // What made it may have nothing else to do; then it is asked to run for this, before its readers.
    for (const id of yield* streamWriters(prepared, dir, basename(corrupt.file!))) {
      const upTo = yield* select(prepared.stages, { until: id });
      const forced = new Map([[id, "a lost blob of its stream"]]);
      const making = yield* planRun({ ...prepared, selection: { ...upTo, forced } });
      yield* execute(making, stages);
    }
    const again = yield* planRun(prepared);
    yield* events.publish(planEvent(again));
    return yield* executeRepairing(prepared, again, left - 1);
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
