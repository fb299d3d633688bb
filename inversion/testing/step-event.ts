// A finished step as a training says it, for tests.
import type { UnstampedTrainingEvent } from "../events.ts";

type StepEvent = Extract<UnstampedTrainingEvent, { readonly event: "step" }>;

export const stepEvent = (
  step: number,
  given: Partial<Omit<StepEvent, "event" | "step">> = {},
): StepEvent => ({
  event: "step",
  step,
  epoch: 0,
  loss: 1,
  lr: 1,
  gradientNorm: 1,
  gradientShare: [0.5, 0.5],
  seconds: 1,
  rssBytes: 1,
  ...given,
});
