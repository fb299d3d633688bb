// The plan in words, for --dry-run and the log: each stage, whether it runs, and why.
// The trap: it says what the plan says and decides nothing.
import type { UnstampedEvent } from "../events.ts";
import { describeReason } from "./reason.ts";
import type { Plan, PlannedStage } from "./plan.ts";

const actionText: Readonly<Record<PlannedStage["action"], string>> = {
  run: "runs",
  cached: "cached",
  complete: "complete",
  unneeded: "not needed",
  excluded: "left out",
};

/** Why a stage runs, or in a word why it does not. */
export const whyText = ({ action, reasons, fingerprint }: PlannedStage): string =>
  action === "run"
    ? reasons.map(describeReason).join("; ")
    : action === "cached"
    ? `same inputs, options and version (${fingerprint?.slice(0, 8)})`
    : action === "complete"
    ? "owes nothing"
    : "";

const stepText = (step: number | null) => step === null ? "not begun" : `at step ${step}`;

/** Of runs that are nearly meant so many are named. */
const fewRuns = 3;

/** Lines for people. */
export function explainPlan({ pipeline, run, seed, device, stages }: Plan): readonly string[] {
  const width = Math.max(...stages.map(({ id }) => id.length));
  const lines = stages.map((stage) =>
    `  ${stage.id.padEnd(width)}  ${actionText[stage.action].padEnd(10)}  ${whyText(stage)}`
      .trimEnd()
  );
  // Results of cached stages alone belong to no run.
  const inRun = stages.some(({ lifetime, action }) => lifetime === "run" && action !== "excluded");
  const state = run.isNew ? "a new run" : stepText(run.step);
  const furthest = run.similar.toSorted((a, b) => (b.step ?? -1) - (a.step ?? -1));
  const similar = furthest.slice(0, fewRuns).flatMap((other) => [
    `${other.run} (${other.complete ? "complete" : "unfinished"}, ${stepText(other.step)}) ` +
    `differs in ${other.what}.`,
    `  ${other.complete ? "This is a new run" : "This starts a new one"}: ${other.why}.`,
  ]);
  const more = furthest.length - fewRuns;
  if (more > 0) similar.push(`... and ${more} more runs that differ in little: \`runs list\`.`);
  const unreadable = run.unreadable.map(({ run: name, step, trouble, goesOn }) =>
    `${name} (${stepText(step)}): its run.json is ${trouble}. ` +
    (goesOn
      ? "Its own command goes on with it, from its state."
      : "To go on with it put back one that this version reads; to give it up delete its folder.")
  );
  const lost = run.lost === null ? [] : [
    `Its run.json is ${run.lost}: it goes on from its state, with its own seed, and run.json is made again.`,
  ];
  const idle = !run.isNew && stages.every(({ action }) => action !== "run");
  const late = idle && run.changed.length > 0
    ? [
      `Changed since its last attempt, and too late for a complete run: ${run.changed.join(", ")}.`,
    ]
    : [];
  return [
    [
      inRun ? `${pipeline}: ${run.dir} (${state})` : `${pipeline}: results for the store`,
      seed === null ? "a seed to be drawn" : `seed ${seed}`,
      ...(device === null ? [] : [device]),
    ].join(", "),
    ...lost,
    ...lines,
    ...late,
    ...(inRun ? [...similar, ...unreadable] : []),
  ];
}

/** The plan as the event of its run. */
export const planEvent = ({ stages }: Plan): UnstampedEvent => ({
  event: "plan",
  stages: stages.map((stage) => ({
    stage: stage.id,
    cached: stage.action !== "run",
    why: whyText(stage),
  })),
});
