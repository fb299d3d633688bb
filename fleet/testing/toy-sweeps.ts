// Sweeps whose trainings are functions that take no time, for tests.
import { Effect } from "effect";
import type { PlannedSweep } from "../planned-sweep.ts";
import type { SegmentOutcome } from "../segment-outcome.ts";
import type { Train } from "../train-fenced.ts";

export const planOf = (count: number, more: Partial<PlannedSweep> = {}): PlannedSweep => ({
  name: "s",
  digest: "",
  file: "/s.yaml",
  pipeline: "p",
  config: null,
  base: "/b",
  by: "held_out",
  at: "best",
  per: [],
  rungs: [],
  factor: 1,
  budget: { steps: null, hours: null },
  parallel: 16,
  priority: "normal",
  attempts: 2,
  stopAfterFailures: null,
  keep: "all",
  trials: Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    name: String(i + 1),
    overrides: { rate: i + 1 },
    run: `run-${i + 1}`,
    trigger: "t",
    steps: 900,
    group: "",
  })),
  ...more,
});

export const lossOf = (trial: number) => (trial * 7) % 27;

/** A training that takes no time and reaches its step. */
export const reaching = (log: string[]): Train => ({ segment, onStep }) =>
  Effect.sync((): SegmentOutcome => {
    log.push(`${segment.trial}@${segment.until ?? "end"}`);
    const step = segment.until ?? 900;
    onStep(step);
    const loss = lossOf(segment.trial);
    const reached = { step, loss, best: { step, loss }, seconds: 0, machine: "m" };
    return segment.until === null
      ? { outcome: "done", ...reached, files: ["t-best.safetensors"] }
      : { outcome: "paused", ...reached };
  });
