// Decides what to do: forwards through the stages to learn which results are in the store and why others
// are not, then backwards to learn which of those anybody asks for.
// The trap: a complete training asks for nothing, so a store that was emptied since is not refilled; a
// result that is there but damaged is repaired even if nobody asks, because silence would hide it.
import { Effect } from "effect";
import { allFaults, type Fault, fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { portsOf } from "../artefact.ts";
import { savedStep } from "../run-folder/state.ts";
import { withoutKeys } from "../../lib/without-keys.ts";
import type { Wired } from "../pipeline/wiring.ts";
import type { Store } from "../store/artefact-store.ts";
import { checkStage, type PlanContext, type StageStatus } from "./check-stage.ts";
import { isAbsent, type PreparedStage } from "./prepared-stage.ts";
import { describeReason, type Reason } from "./reason.ts";
import { jsonDifference } from "../../lib/json-difference.ts";
import type { Plan, PlannedStage } from "./plan.ts";
import type { Prepared } from "./prepare.ts";
import type { Facts } from "../app.ts";
import type { Selection } from "./select.ts";

export class NotInStore extends fault("NotInStore", "user") {}

export interface PlanRequest extends PlanContext {
  readonly facts: Facts;
  readonly stages: readonly PreparedStage[];
  readonly selection: Selection;
}

const isStream = ({ stage }: Wired, port: string) => stage.reads[port].kind === "stream";

const forcedBy = ({ preparedStage: { id, stage } }: StageStatus, selection: Selection) =>
  selection.forced.get(id) ??
    (!selection.cache && stage.lifetime === "cached" ? "--no-cache" : undefined);

/** Going backwards: who runs, given who runs below. */
function decide(
  statuses: readonly StageStatus[],
  selection: Selection,
): ReadonlyMap<string, PlannedStage["action"]> {
  const actions = new Map<string, PlannedStage["action"]>();
  const included = ({ preparedStage }: StageStatus) => selection.included.has(preparedStage.id);
  for (const each of statuses.toReversed()) {
    const { id, stage } = each.preparedStage;
    const readers = statuses.filter((other) =>
      included(other) &&
      Object.values(other.preparedStage.reads).some((outputRef) => outputRef.stage === id)
    );
    const asked = readers.some(({ preparedStage }) =>
      actions.get(preparedStage.id) === "run" &&
      Object.entries(preparedStage.reads).some(([port, outputRef]) =>
        outputRef.stage === id && !isStream(preparedStage, port)
      )
    );
    const wanted = readers.length === 0 || asked || each.state === "damaged" ||
      (stage.lifetime === "run" && each.state !== "sound");
    actions.set(
      id,
      !included(each)
        ? "excluded"
        : selection.given.has(id) && stage.lifetime === "run"
        ? "complete"
        : forcedBy(each, selection) !== undefined && !selection.given.has(id)
        ? "run"
        : each.state === "sound"
        ? stage.lifetime === "run" ? "complete" : "cached"
        : wanted
        ? "run"
        : "unneeded",
    );
  }
  return actions;
}

function planned(
  each: StageStatus,
  action: PlannedStage["action"],
  selection: Selection,
): PlannedStage {
  const { id, stage, use, reads, options, world } = each.preparedStage;
  const by = forcedBy(each, selection);
  const reasons: readonly Reason[] = action !== "run"
    ? []
    : by === undefined
    ? each.reasons
    : [{ reason: "forced", by }, ...each.reasons];
  return {
    id,
    name: stage.name,
    version: stage.version,
    lifetime: stage.lifetime,
    continueOnError: stage.continueOnError ?? false,
    reads: Object.fromEntries(
      Object.entries(reads).map(([port, outputRef]) => [
        port,
        { ...outputRef, stream: isStream(each.preparedStage, port) },
      ]),
    ),
    options: options.encoded,
    world: isAbsent(world) ? null : world,
    fingerprint: each.fingerprint,
    action,
    reasons,
    retry: use.retry ?? null,
    timeoutSeconds: use.timeoutSeconds ?? null,
    concurrency: use.concurrency ?? null,
    resources: use.resources ?? stage.resources ?? {},
    warnings: action === "cached" ? each.warnings ?? [] : [],
  };
}

/** A stage of the run folder that never returned what others read. */
const lacksValues = ({ preparedStage: { stage }, digests }: StageStatus) =>
  portsOf(stage.writes)
    .some(([port, { kind }]) => kind === "value" && !(port in digests));

const notInStore = (stage: PlannedStage, reasons: readonly Reason[], selection: Selection) =>
  new NotInStore({
    key: [...new Set(selection.forced.values())].join(" "),
    wanted: `the result of ${stage.id} in the store`,
    found: reasons.map(describeReason).join(", "),
    fix: "Run the pipeline without this selector first.",
  });

/** Fails with `NotInStore`, or with what a stage's `remainingWork` fails with. */
const makePlan = (request: PlanRequest, store: Store): Effect.Effect<Plan, Fault> =>
  Effect.gen(function* () {
    const { selection } = request;
    const above = new Map<string, StageStatus>();
    for (const preparedStage of request.stages) {
      const status = yield* checkStage(preparedStage, request, store, above);
      const remade = forcedBy(status, selection) !== undefined &&
        !selection.given.has(preparedStage.id);
      above.set(preparedStage.id, remade ? { ...status, digests: {} } : status);
    }
    const statuses = [...above.values()];
    const actions = decide(statuses, selection);
    const stages = statuses.map((each) =>
      planned(each, actions.get(each.preparedStage.id)!, selection)
    );
    const lacking = stages.filter(({ id, action, lifetime }) =>
      selection.given.has(id) &&
      (lifetime === "cached" ? action === "run" : lacksValues(above.get(id)!))
    );
    if (lacking.length > 0) {
      return yield* Effect.fail(
        allFaults(
          lacking.map((stage) => notInStore(stage, above.get(stage.id)!.reasons, selection)),
        ),
      );
    }
    const { pipeline, run, seed, facts } = request;
    return { pipeline, run, seed, device: facts.device, facts: facts.shown, stages };
  });

const changedKeys = ({ run, values, configuration }: Prepared): readonly string[] => {
  if (run.found === null || run.found.lost !== null) return [];
  const places = [...configuration.targetKeys, ...configuration.unhashed];
  const [before, now] = [run.found.manifest.configuration, values]
    .map((all) => withoutKeys(all, places));
  const keys = jsonDifference(before, now).map(({ key }) => key.replace(/\[.*/, ""));
  return [...new Set(keys)];
};

/** What is to be done and why; once more when the run is locked: another process may have worked. */
export const planRun = (prepared: Prepared): Effect.Effect<Plan, Fault> =>
  Effect.gen(function* () {
    const { run, store } = prepared;
    const { name, dir, similar, unreadable } = run;
    const isNew = run.found === null;
    const step = isNew ? null : yield* savedStep(dir);
    const changed = changedKeys(prepared);
    const plan = yield* makePlan(
      {
        ...prepared,
        run: {
          name,
          dir,
          isNew,
          step,
          similar,
          unreadable,
          lost: run.found?.lost ?? null,
          changed,
        },
      },
      store,
    );
    for (const { id, warnings } of plan.stages) {
      yield* Effect.forEach(warnings, prepared.toolsOf(id).warn);
    }
    return plan;
  });

/** Keeps what was learnt of big files, if there is a store to keep it in. */
export const keepDigests = ({ store }: Prepared): Effect.Effect<void> =>
  Effect.flatMap(Files, (files) => files.exists(store.folder)).pipe(
    Effect.flatMap((exists) => exists ? store.digests.save : Effect.void),
    Effect.ignore,
  );
