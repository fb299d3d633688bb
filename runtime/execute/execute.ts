// Executes a plan: every stage in a fiber of its own, each starting when its inputs are there (readers of
// a stream start with its writer), all under one scope, so that a failure or Ctrl-C stops everything.
// The trap: a supervised stage's failure is an event and an outcome, never the end of the others.
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import type { Readied } from "../plan/assess.ts";
import type { Plan, PlannedStage } from "../plan/plan.ts";
import { Stopped } from "../../lib/stopped.ts";
import { makeResources } from "./resources.ts";
import { runStage } from "./run-stage.ts";
import { makeSlots, Skipped } from "./slots.ts";
import { stageTools, type Surroundings } from "./stage-tools.ts";
import type { Finished, Work } from "./stage-work.ts";

export type StageOutcome =
  | ({ readonly outcome: "finished" } & Finished)
  | { readonly outcome: "idle" }
  | { readonly outcome: "skipped" }
  | { readonly outcome: "stopped" }
  | { readonly outcome: "failed"; readonly fault: Fault };

export type Outcomes = ReadonlyMap<string, StageOutcome>;

const interrupted = () =>
  new Stopped({ wanted: "to go on", found: "a request to stop", fix: "Give the command again." });

/** Runs a stage, which waits for its inputs, beside what it can begin without them. */
const warmedUp = <A>(
  { stage, options }: Readied,
  planned: PlannedStage,
  work: Work,
  run: Effect.Effect<A, Fault>,
): Effect.Effect<A, Fault> => {
  const { warmUp } = stage;
  if (warmUp === undefined || planned.action !== "run") return run;
  const begun = Effect.suspend(() => warmUp(options.decoded, stageTools(planned, work)));
  return Effect.scoped(
    Effect.andThen(Effect.forkScoped(Effect.exit(begun)), run),
  );
};

/** Fails with the fault of the first stage that fails and is not supervised. */
export const execute = (
  plan: Plan,
  stages: ReadonlyMap<string, Readied>,
  surroundings: Omit<Surroundings, "resources">,
): Effect.Effect<Outcomes, Fault> =>
  Effect.gen(function* () {
    const slots = yield* makeSlots(surroundings.runDir, [...stages.values()]);
    const resources = makeResources(plan.stages.map(({ resources }) => resources));
    const work: Work = { ...surroundings, resources, slots, pipeline: plan.pipeline };
    const { events, stop } = surroundings;

    const settle = (planned: PlannedStage, fault: Fault): Effect.Effect<StageOutcome, Fault> =>
      Effect.gen(function* () {
        const { id } = planned;
        if (fault instanceof Stopped) {
          yield* slots.close(id, fault);
          return { outcome: "stopped" } as const;
        }
        yield* slots.close(id, null);
        if (fault instanceof Skipped) return { outcome: "skipped" } as const;
        yield* events.publish({ event: "stage-failed", stage: id, error: fault.message });
        return planned.supervised
          ? { outcome: "failed", fault } as const
          : yield* Effect.fail(fault);
      });

    const one = (planned: PlannedStage): Effect.Effect<StageOutcome, Fault> => {
      const { id, action } = planned;
      if (action === "excluded" || action === "unneeded") {
        return Effect.as(slots.close(id, null), { outcome: "idle" });
      }
      const readied = stages.get(id)!;
      const stopsItself = readied.stage.graceful ?? false;
      const run = warmedUp(readied, planned, work, runStage(readied, planned, work)).pipe(
        Effect.tap(({ outputs }) => surroundings.keepOutputs(id, outputs)),
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
