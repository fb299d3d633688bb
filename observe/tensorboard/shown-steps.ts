// Which steps of each tag are in the event files, and whether the rest can simply be appended. Both
// readers want every tag's steps to rise: a step written after a later one makes the Rust reader drop
// the later ones. The trap: START in a file makes readers forget earlier steps, so it counts too.
import { type EventMessage, sessionStart } from "./event-proto.ts";
import type { Summary } from "./summary.ts";

export type StepsByTag = ReadonlyMap<string, readonly number[]>;

const add = (steps: Map<string, number[]>, tag: string, step: number) => {
  const known = steps.get(tag);
  if (known === undefined) steps.set(tag, [step]);
  else if (known.at(-1) !== step) known.push(step);
};

/** What readers hold after these events, in the order of the files. */
export function shownSteps(events: Iterable<EventMessage>): StepsByTag {
  let steps = new Map<string, number[]>();
  for (const { step, summary, sessionLog } of events) {
    if (sessionLog?.status === sessionStart) {
      steps = new Map([...steps].map(([tag, list]) => [tag, list.filter((s) => s < step)]));
    }
    for (const value of summary?.value ?? []) add(steps, value.tag, step);
  }
  return steps;
}

/** The (tag, step) pairs that the run's events ask for; `summaries` must be sorted by step. */
export function wantedSteps(summaries: Iterable<Summary>): StepsByTag {
  const steps = new Map<string, number[]>();
  for (const { step, values } of summaries) {
    for (const value of values) add(steps, value.tag, step);
  }
  return steps;
}

/** True when for each tag the shown steps are the first of the wanted ones. */
export const canAppend = (shown: StepsByTag, wanted: StepsByTag): boolean =>
  [...shown].every(([tag, steps]) => {
    const all = wanted.get(tag) ?? [];
    return steps.length <= all.length && steps.every((step, i) => step === all[i]);
  });

export const lastStep = (steps: StepsByTag): number =>
  Math.max(-1, ...[...steps.values()].map((list) => list.at(-1) ?? -1));
