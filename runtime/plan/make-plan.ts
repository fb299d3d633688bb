// Decides what to do: forwards through the stages to learn which results are in the store and why others
// are not, then backwards to learn which of those anybody asks for.
// The trap: a complete training asks for nothing, so a store that was emptied since is not refilled; a
// result that is there but damaged is repaired even if nobody asks, because silence would hide it.
import { Effect } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { portsOf } from "../artefact.ts";
import type { Store } from "../store/artefact-store.ts";
import { allFaults } from "../../lib/faults.ts";
import type { FoundMemory } from "../../inversion/model/find-memory.ts";
import type { Wired } from "../pipeline/wiring.ts";
import { assess, type Assessed, type Circumstances, isAbsent, type Readied } from "./assess.ts";
import type { MemoryTable, Plan, PlannedStage } from "./plan.ts";
import { describeReason, type Reason } from "./reasons.ts";
import type { Selection } from "./select.ts";

export class NotInStore extends fault("NotInStore", "user") {}

export interface PlanRequest extends Circumstances {
  readonly device: string | null;
  readonly memory: FoundMemory | null;
  readonly stages: readonly Readied[];
  readonly selection: Selection;
}

const isStream = ({ stage }: Wired, port: string) => stage.reads[port].kind === "stream";

const forcedBy = ({ readied: { id, stage } }: Assessed, selection: Selection) =>
  selection.forced.get(id) ??
    (!selection.cache && stage.lifetime === "cached" ? "--no-cache" : undefined);

/** Going backwards: who runs, given who runs below. */
function decide(
  assessed: readonly Assessed[],
  selection: Selection,
): ReadonlyMap<string, PlannedStage["action"]> {
  const actions = new Map<string, PlannedStage["action"]>();
  const included = ({ readied }: Assessed) => selection.included.has(readied.id);
  for (const each of assessed.toReversed()) {
    const { id, stage } = each.readied;
    const readers = assessed.filter((other) =>
      included(other) && Object.values(other.readied.reads).some((outlet) => outlet.stage === id)
    );
    const asked = readers.some(({ readied }) =>
      actions.get(readied.id) === "run" &&
      Object.entries(readied.reads).some(([port, outlet]) =>
        outlet.stage === id && !isStream(readied, port)
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
  each: Assessed,
  action: PlannedStage["action"],
  selection: Selection,
): PlannedStage {
  const { id, stage, use, reads, options, world } = each.readied;
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
    supervised: stage.supervised ?? false,
    reads: Object.fromEntries(
      Object.entries(reads).map(([port, outlet]) => [
        port,
        { ...outlet, stream: isStream(each.readied, port) },
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
  };
}

/** A stage of the run folder that never returned what others read. */
const lacksValues = ({ readied: { stage }, digests }: Assessed) =>
  portsOf(stage.writes)
    .some(([port, { kind }]) => kind === "value" && !(port in digests));

const notInStore = (stage: PlannedStage, reasons: readonly Reason[], selection: Selection) =>
  new NotInStore({
    key: [...new Set(selection.forced.values())].join(" "),
    wanted: `the result of ${stage.id} in the store`,
    found: reasons.map(describeReason).join(", "),
    fix: "Run the pipeline without this selector first.",
  });

const tableOf = ({ plan, rows, factor }: FoundMemory): MemoryTable => ({
  plan,
  rows: rows.map(({ largest: _, height, width, ...row }) => ({
    ...row,
    height: height * factor,
    width: width * factor,
  })),
});

/** Fails with `NotInStore`, or with what a stage's `owed` fails with. */
export const makePlan = (request: PlanRequest, store: Store): Effect.Effect<Plan, Fault> =>
  Effect.gen(function* () {
    const { selection } = request;
    const above = new Map<string, Assessed>();
    for (const readied of request.stages) {
      const assessed = yield* assess(readied, request, store, above);
      const remade = forcedBy(assessed, selection) !== undefined &&
        !selection.given.has(readied.id);
      above.set(readied.id, remade ? { ...assessed, digests: {} } : assessed);
    }
    const assessed = [...above.values()];
    const actions = decide(assessed, selection);
    const stages = assessed.map((each) => planned(each, actions.get(each.readied.id)!, selection));
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
    const { pipeline, run, seed, device, memory } = request;
    return { pipeline, run, seed, device, memory: memory && tableOf(memory), stages };
  });
