// From a definition to a sweep that can run: every trial prepared and looked at before the first begins,
// with all that is wrong said at once.
// The trap: two trials that mean one run are one; and trials that are measured differently do not compare,
// unless what makes the difference splits the ranking (`per`).
import { resolve } from "node:path";
import { Effect } from "effect";
import { digestJson } from "../lib/canonical-json.ts";
import type { Fault } from "../lib/fault.ts";
import { together } from "../lib/together.ts";
import { ConfigFault } from "../runtime/options/config-fault.ts";
import { textsAt } from "../runtime/options/decode-source.ts";
import type { Plan } from "../runtime/plan/plan.ts";
import type { Prepared } from "../runtime/plan/prepare.ts";
import type { Definition } from "../sweep/definition.ts";
import { rungsOf } from "../sweep/halving.ts";
import { groupOf } from "../sweep/ranking.ts";
import { type Trial, trialsOf } from "../sweep/trials.ts";
import { foreignParts } from "./foreign-parts.ts";
import { memoryClass } from "./queues.ts";
import { versionsOfPlan } from "./stage-versions.ts";
import type { PlannedSweep, PlannedTrial } from "./planned-sweep.ts";
import { type Measured, settingOf, shortestOf, sweepFindings } from "./sweep-findings.ts";
import type { SweepOutlook, TrialOutlook } from "./sweep-outlook.ts";
import { opensThreads, setsThreads } from "./sweep-threads.ts";

export interface LookedAt {
  readonly prepared: Prepared;
  readonly plan: Plan;
}

/** How trials are made ready, and what of training a sweep has to know. */
export interface TrialWorld {
  readonly look: (trial: Trial) => Effect.Effect<LookedAt, Fault>;
  /** Whether its loss is measured on pictures that are not trained on; null: it is not measured at all. */
  readonly heldOut: (values: Prepared["values"]) => boolean | null;
  /** How long it is, in words. */
  readonly length: (values: Prepared["values"]) => string;
  /** Bytes that it takes at its peak; null: not known. */
  readonly memory: (plan: Plan) => number | null;
  /** Bytes that its run writes, about. */
  readonly writes: (prepared: Prepared) => number;
}

/** What its definition asks for, else what its configuration and the memory planner say. */
const needsOf = (
  { needs }: Definition,
  { values }: Prepared,
  peak: number | null,
): PlannedTrial["needs"] => ({
  provider: needs.provider ??
    (typeof values.provider === "string" && values.provider !== "auto" ? values.provider : null),
  memory: needs.memory ?? memoryClass((peak ?? 0) / 2 ** 30),
});

/** What is wrong with what a trial sets stands in the sweep file; else it is the trial's. */
const ofTrial = (definition: Definition, trial: Trial, fault: Fault): Fault =>
  fault instanceof ConfigFault
    ? new ConfigFault(fault.findings.map((finding) => ({
      ...finding,
      ...(finding.file === "--set"
        ? settingOf(definition, trial, finding.key ?? "") ?? { file: `trial ${trial.name}` }
        : {}),
    })))
    : fault;

/** What its options say of where things are. */
const placesOf = ({ configuration: { places, targetKeys }, values }: Prepared) =>
  textsAt(values, [...Object.keys(places), ...targetKeys]);

const willOf = ({ prepared, plan }: LookedAt): TrialOutlook["will"] =>
  plan.run.isNew ? "new" : prepared.run.found?.manifest.status === "complete" &&
      plan.stages.every(({ action }) => action !== "run")
    ? "complete already"
    : "goes on";

/** Every trial, looked at; fails with all faults of all trials. */
const lookAtAll = (
  definition: Definition,
  trials: readonly Trial[],
  world: TrialWorld,
): Effect.Effect<readonly LookedAt[], Fault> =>
  Effect.forEach(trials, (trial) =>
    Effect.result(
      Effect.mapError(world.look(trial), (fault) => ofTrial(definition, trial, fault)),
    )).pipe(Effect.flatMap(together));

const measuredOf = (
  trials: readonly Trial[],
  looked: readonly LookedAt[],
  world: TrialWorld,
): readonly Measured[] =>
  trials.map((trial, i) => {
    const { values, configuration, identity } = looked[i].prepared;
    return {
      trial,
      heldOut: world.heldOut(values),
      steps: configuration.steps,
      identity: identity.digest,
      base: resolve(configuration.base),
      length: world.length(values),
    };
  });

/** What each trial would do; of several that mean one run all but the first are the same as that. */
function outlookOf(
  definition: Definition,
  measured: readonly Measured[],
  looked: readonly LookedAt[],
  world: TrialWorld,
): readonly TrialOutlook[] {
  const first = new Map<string, number>();
  return measured.map(({ trial, steps, identity }, i) => {
    const { prepared, plan } = looked[i];
    // A seed that is drawn makes two trainings of one configuration; so it is part of the name here.
    const sameAs = first.get(identity) ?? null;
    if (sameAs === null) first.set(identity, trial.number);
    return {
      number: trial.number,
      name: trial.name,
      overrides: trial.overrides as PlannedTrial["overrides"],
      run: prepared.run.name,
      trigger: prepared.configuration.trigger,
      steps,
      group: groupOf(trial, definition.rank.per),
      places: placesOf(prepared),
      identity,
      needs: needsOf(definition, prepared, world.memory(plan)),
      writes: world.writes(prepared),
      will: willOf(looked[i]),
      fromStep: plan.run.step ?? 0,
      memory: world.memory(plan),
      sameAs,
    };
  });
}

type Undigested = Omit<PlannedSweep, "digest">;

/** What the definition alone says of the sweep, and what its trials' measures make of that. */
const rulesOf = (definition: Definition, measured: readonly Measured[]) => {
  const { halving, rank, budget } = definition;
  return {
    by: rank.by === "auto"
      ? measured.every(({ heldOut }) => heldOut === true) ? "held_out" : "fixed_loss"
      : rank.by,
    at: rank.at,
    per: rank.per,
    rungs: halving === null ? [] : rungsOf(halving, shortestOf(measured)),
    factor: halving?.factor ?? 1,
    budget: { steps: budget.steps, hours: budget.hours },
    parallel: definition.parallel,
    priority: definition.priority,
    attempts: definition.attempts,
    stopAfterFailures: definition.stop_after_failures,
    keep: definition.keep,
  } satisfies Partial<Undigested>;
};

/** What is estimated of memory and disk makes no other sweep, nor does what follows from the rest. */
const digestOf = ({ needs }: Definition, { file: _, ...plan }: Undigested): string =>
  digestJson({
    ...plan,
    trials: plan.trials.map(({ needs: _, writes: _1, places: _2, ...trial }) => trial),
    needs,
  });

/**
 * Prepares every trial. `file` is the sweep's, absolute.
 * @errors all faults of all trials at once.
 */
export const planSweep = (
  definition: Definition,
  file: string,
  config: string | null,
  configText: string | null,
  world: TrialWorld,
): Effect.Effect<SweepOutlook, Fault> =>
  Effect.gen(function* () {
    const trials = trialsOf(definition);
    const looked = yield* lookAtAll(definition, trials, world);
    const measured = measuredOf(trials, looked, world);
    const findings = sweepFindings(definition, measured);
    if (findings.length > 0) return yield* new ConfigFault(findings);
    const outlook = outlookOf(definition, measured, looked, world);
    const kept = outlook.filter(({ sameAs }) => sameAs === null);
    const plan: Undigested = {
      name: definition.sweep,
      file,
      pipeline: definition.pipeline,
      config,
      ...(configText === null ? {} : { configText }),
      base: measured[0].base,
      ...rulesOf(definition, measured),
      versions: Object.assign({}, ...looked.map(({ plan }) => versionsOfPlan(plan))),
      custom: yield* foreignParts(definition.pipeline, looked[0].prepared.app),
      trials: kept.map(({ will: _1, fromStep: _2, memory: _3, sameAs: _4, ...trial }) => trial),
    };
    const values = outlook.map(({ overrides }, i) => ({
      overrides,
      values: looked[i].prepared.values,
    }));
    const sets = setsThreads(values);
    return {
      sweep: {
        ...plan,
        digest: digestOf(definition, plan),
        ...(sets ? { setsThreads: sets } : {}),
      },
      opensThreads: opensThreads(values),
      trials: outlook,
    };
  });
