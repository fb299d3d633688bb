// The plan of what was prepared, and the event that tells it.
// The trap: it is made again once the run is locked, because another process may have worked meanwhile.
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { withoutKeys } from "../options/without-keys.ts";
import type { EventStream } from "../execute/observers.ts";
import { savedStep } from "../execute/state.ts";
import { whyText } from "./explain.ts";
import { jsonDifference } from "./json-difference.ts";
import { makePlan } from "./make-plan.ts";
import type { Plan } from "./plan.ts";
import type { Prepared } from "./prepare.ts";

const changedKeys = ({ run, values, configuration }: Prepared): readonly string[] => {
  if (run.found === null) return [];
  const places = [...configuration.placeKeys, ...configuration.unhashed];
  const [before, now] = [run.found.manifest.configuration, values]
    .map((all) => withoutKeys(all, places));
  const keys = jsonDifference(before, now).map(({ key }) => key.replace(/\[.*/, ""));
  return [...new Set(keys)];
};

/** What will be done and why. Writes nothing. */
export const planRun = (prepared: Prepared): Effect.Effect<Plan, Fault> =>
  Effect.gen(function* () {
    const { run, store } = prepared;
    const { name, dir, similar } = run;
    const isNew = run.found === null;
    const step = isNew ? null : yield* savedStep(dir);
    const changed = changedKeys(prepared);
    return yield* makePlan(
      { ...prepared, run: { name, dir, isNew, step, similar, changed } },
      store,
    );
  });

export const publishPlan = (plan: Plan, events: EventStream) =>
  events.publish({
    event: "plan",
    stages: plan.stages.map((stage) => ({
      stage: stage.id,
      cached: stage.action !== "run",
      why: whyText(stage),
    })),
  });

/** Keeps what was learnt of big files, if there is a store to keep it in. */
export const keepDigests = ({ store }: Prepared): Effect.Effect<void> =>
  Effect.flatMap(Files, (files) => files.exists(store.folder)).pipe(
    Effect.flatMap((exists) => exists ? store.digests.save : Effect.void),
    Effect.ignore,
  );
