// From a definition to a sweep that can run: every trial prepared and looked at before the first begins,
// with all that is wrong said at once.
// The trap: two trials that mean one run are one; and trials that are measured differently do not compare,
// unless what makes the difference splits the ranking (`per`).
import { resolve } from "node:path";
import { Effect } from "effect";
import { digestJson } from "../lib/canonical-json.ts";
import { allFaults, type Fault } from "../lib/fault.ts";
import { ConfigFault } from "../runtime/options/config-fault.ts";
import { textsAt } from "../runtime/options/decode-source.ts";
import type { Plan } from "../runtime/plan/plan.ts";
import type { Prepared } from "../runtime/plan/prepare.ts";
import type { Definition } from "../sweep/definition.ts";
import { rungsOf } from "../sweep/halving.ts";
import { groupOf } from "../sweep/ranking.ts";
import { overridesText, splitOverrides, type Trial, trialsOf } from "../sweep/trials.ts";
import { foreignParts } from "./foreign-parts.ts";
import { memoryClass } from "./queues.ts";
import { readPassed } from "./run-result.ts";
import { versionsOfPlan } from "./stage-versions.ts";
import type { PlannedSweep, PlannedTrial } from "./planned-sweep.ts";
import {
  type Measured,
  type PassedRung,
  settingOf,
  shortestOf,
  sweepFindings,
} from "./sweep-findings.ts";
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

export interface TrialOutlook extends PlannedTrial {
  readonly will: "new" | "goes on" | "complete already";
  readonly fromStep: number;
  /** Bytes at its peak; null: not known. */
  readonly memory: number | null;
  readonly sameAs: number | null;
}

export interface SweepOutlook {
  readonly sweep: PlannedSweep;
  /** Whether the number of threads decides a result and is left open. */
  readonly opensThreads: boolean;
  readonly trials: readonly TrialOutlook[];
  /** Where runs that are there already cannot be compared. */
  readonly passed: readonly PassedRung[];
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

/** Of these rungs, those that a trial's run is past without a loss that was measured there. */
const passedBy = ({ name }: Trial, { prepared, plan }: LookedAt, rungs: readonly number[]) =>
  Effect.gen(function* () {
    const step = plan.run.step ?? 0;
    const found = yield* Effect.forEach(
      rungs.filter((rung) => rung < step),
      (rung) =>
        Effect.map(
          readPassed(prepared.run.dir, rung),
          (passed) => passed?.loss === null ? [{ trial: name, rung, step }] : [],
        ),
    );
    return found.flat();
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
    const looked = yield* Effect.forEach(trials, (trial) =>
      Effect.result(
        Effect.mapError(world.look(trial), (fault) => ofTrial(definition, trial, fault)),
      ));
    const faults = looked.flatMap((each) => each._tag === "Failure" ? [each.failure] : []);
    if (faults.length > 0) return yield* Effect.fail(allFaults(faults));
    const found = looked.flatMap((each) => each._tag === "Success" ? [each.success] : []);

    const measured = trials.map((trial, i): Measured => ({
      trial,
      heldOut: world.heldOut(found[i].prepared.values),
      steps: found[i].prepared.configuration.steps,
      identity: found[i].prepared.identity.digest,
      base: resolve(found[i].prepared.configuration.base),
      length: world.length(found[i].prepared.values),
    }));
    const findings = sweepFindings(definition, measured);
    if (findings.length > 0) return yield* new ConfigFault(findings);

    const first = new Map<string, number>();
    const outlook = trials.map((trial, i): TrialOutlook => {
      const { prepared, plan } = found[i];
      // A seed that is drawn makes two trainings of one configuration; so it is part of the name here.
      const identity = prepared.identity.digest;
      const sameAs = first.get(identity) ?? null;
      if (sameAs === null) first.set(identity, trial.number);
      return {
        number: trial.number,
        name: trial.name,
        overrides: trial.overrides as PlannedTrial["overrides"],
        run: prepared.run.name,
        trigger: prepared.configuration.trigger,
        steps: measured[i].steps,
        group: groupOf(trial, definition.rank.per),
        places: placesOf(prepared),
        identity,
        needs: needsOf(definition, prepared, world.memory(plan)),
        writes: world.writes(prepared),
        will: willOf(found[i]),
        fromStep: plan.run.step ?? 0,
        memory: world.memory(plan),
        sameAs,
      };
    });
    const kept = outlook.filter(({ sameAs }) => sameAs === null);
    const { halving, rank, budget } = definition;
    const rungs = halving === null ? [] : rungsOf(halving, shortestOf(measured));
    const passed = yield* Effect.forEach(
      trials,
      (trial, i) => passedBy(trial, found[i], rungs),
    );
    const { base } = measured[0];
    const plan: Omit<PlannedSweep, "digest"> = {
      name: definition.sweep,
      file,
      pipeline: definition.pipeline,
      config,
      ...(configText === null ? {} : { configText }),
      base,
      by: rank.by === "auto"
        ? measured.every(({ heldOut }) => heldOut === true) ? "held_out" : "fixed_loss"
        : rank.by,
      at: rank.at,
      per: rank.per,
      rungs,
      factor: halving?.factor ?? 1,
      budget: { steps: budget.steps, hours: budget.hours },
      parallel: definition.parallel,
      priority: definition.priority,
      attempts: definition.attempts,
      stopAfterFailures: definition.stop_after_failures,
      keep: definition.keep,
      versions: Object.assign({}, ...found.map(({ plan }) => versionsOfPlan(plan))),
      custom: yield* foreignParts(definition.pipeline, found[0].prepared.app),
      trials: kept.map(({ will: _1, fromStep: _2, memory: _3, sameAs: _4, ...trial }) => trial),
    };
    // What is estimated of memory and disk makes no other sweep, nor does what follows from the rest.
    const { file: _, ...content } = {
      ...plan,
      trials: plan.trials.map(({ needs: _, writes: _1, places: _2, ...trial }) => trial),
      needs: definition.needs,
    };
    const values = trials.map(({ overrides }, i) => ({
      overrides: overrides as PlannedTrial["overrides"],
      values: found[i].prepared.values,
    }));
    const sets = setsThreads(values);
    return {
      sweep: { ...plan, digest: digestJson(content), ...(sets ? { setsThreads: sets } : {}) },
      opensThreads: opensThreads(values),
      trials: outlook,
      passed: passed.flat(),
    };
  });

/** The lines of `sweep run --dry-run`. */
export function outlookLines({ sweep, trials }: SweepOutlook): readonly string[] {
  const kept = trials.filter(({ sameAs }) => sameAs === null);
  const steps = kept.reduce(
    (sum, { steps, fromStep }) => sum + Math.max(0, (steps ?? 0) - fromStep),
    0,
  );
  const peak = Math.max(...trials.map(({ memory }) => memory ?? 0));
  const { shared, varied } = splitOverrides(trials.map(({ overrides }) => overrides));
  const gib = peak === 0 ? [] : [`at most ${(peak / 2 ** 30).toFixed(1)} GiB each`];
  return [
    `${sweep.name}: ${kept.length} ${
      kept.length === 1 ? "trial" : "trials"
    }, ranked by ${sweep.by} (${sweep.at})` +
    (sweep.rungs.length === 0 ? "" : `, halved at ${sweep.rungs.join(", ")}`),
    ...(Object.keys(shared).length === 0 ? [] : [`  all  ${overridesText(shared)}`]),
    ...trials.map(({ name, will, run, fromStep, sameAs }, i) =>
      [
        `  ${name}`,
        ...(Object.keys(varied[i]).length === 0 ? [] : [overridesText(varied[i])]),
        sameAs !== null
          ? `the same as trial ${sameAs}`
          : `${will}${will === "goes on" ? ` at step ${fromStep}` : ""}: ${run}`,
      ].join("  ")
    ),
    [`${steps} steps in all${sweep.rungs.length > 0 ? " without halving" : ""}`, ...gib].join(", "),
  ];
}
