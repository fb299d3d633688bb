// What the status line of a training shows, folded from its events: how far, how well, how fast.
// The trap: the raw loss of a diffusion step jumps about, so it is shown smoothed (debiased, as
// TensorBoard does it), and the pace is that of the last steps.
import type { RunEvent } from "../inversion/events.ts";

export interface Meter {
  /** Finished steps; null: no training yet. */
  readonly step: number | null;
  readonly totalSteps: number;
  readonly loss: number | null;
  readonly fixedLoss: { readonly loss: number; readonly best: number } | null;
  readonly secondsPerStep: number | null;
  readonly rssBytes: number | null;
  readonly savedStep: number | null;
  /** Another stage at work. */
  readonly other: {
    readonly stage: string;
    readonly done: number;
    readonly total: number;
    readonly unit: string;
    readonly at: number;
    /** Where the pace is taken from: the first part may have to load or to compile first. */
    readonly from: { readonly done: number; readonly at: number };
  } | null;
  /** Sum of weighted losses, and the number of losses: the smoothing's memory. */
  readonly smoothing: { readonly sum: number; readonly count: number };
}

export const emptyMeter: Meter = {
  step: null,
  totalSteps: 0,
  loss: null,
  fixedLoss: null,
  secondsPerStep: null,
  rssBytes: null,
  savedStep: null,
  other: null,
  smoothing: { sum: 0, count: 0 },
};

const lossWeight = 0.95;
const paceWeight = 0.9;

function stepped(meter: Meter, event: Extract<RunEvent, { event: "step" }>): Meter {
  const sum = meter.smoothing.sum * lossWeight + event.loss * (1 - lossWeight);
  const count = meter.smoothing.count + 1;
  const { secondsPerStep } = meter;
  return {
    ...meter,
    step: event.step,
    loss: sum / (1 - lossWeight ** count),
    // The first step compiles graphs; it says nothing about the others.
    secondsPerStep: count === 1
      ? null
      : secondsPerStep === null
      ? event.seconds
      : secondsPerStep * paceWeight + event.seconds * (1 - paceWeight),
    rssBytes: event.rssBytes,
    other: null,
    smoothing: { sum, count },
  };
}

function progressed(
  before: Meter["other"],
  { stage, done, total, unit, at }: Extract<RunEvent, { event: "stage-progress" }>,
): Meter["other"] {
  const goesOn = before?.stage === stage && before.unit === unit && before.total === total &&
    before.done <= done;
  return { stage, done, total, unit, at, from: goesOn ? before.from : { done, at } };
}

/** The meter after an event. */
export function meterAfter(meter: Meter, event: RunEvent): Meter {
  switch (event.event) {
    case "run-started":
      return { ...meter, totalSteps: event.totalSteps };
    case "step":
      return stepped(meter, event);
    case "fixed-loss":
      return { ...meter, fixedLoss: { loss: event.loss, best: event.bestLoss } };
    case "checkpoint":
      return event.best ? meter : { ...meter, savedStep: event.step };
    case "stage-progress": {
      if (event.unit === "steps") return { ...meter, totalSteps: event.total };
      return { ...meter, other: event.done >= event.total ? null : progressed(meter.other, event) };
    }
    default:
      return meter;
  }
}

/** Seconds until another stage is done, at its pace so far; null if it is not known yet. */
export const othersSecondsLeft = (
  { done, total, at, from }: NonNullable<Meter["other"]>,
): number | null =>
  done === from.done ? null : (at - from.at) / 1000 / (done - from.done) * (total - done);

/** Seconds until the last step at this pace; null if it is not known yet. */
export const secondsLeft = ({ step, totalSteps, secondsPerStep }: Meter): number | null =>
  step === null || secondsPerStep === null || totalSteps <= step
    ? null
    : (totalSteps - step) * secondsPerStep;
