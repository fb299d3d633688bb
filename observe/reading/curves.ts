// The curves of a run, kept whole on the server and thinned for the page on request.
// The trap: events of a step come once, but should a step come again (an orphan of a killed attempt),
// the later one counts and what followed the earlier one is dropped.
import type { RunEvent, RunEventOf } from "../../inversion/events.ts";
import { newSmoothing, smooth, type SmoothingState } from "../monitor/page/smoothing.js";
import { type Bucket, buckets, lasts, lowerBound, thin, type Thinned } from "./thin.ts";

const stepColumns = {
  step: (event: RunEventOf<"step">) => event.step,
  loss: (event: RunEventOf<"step">) => event.loss,
  rate: (event: RunEventOf<"step">) => event.lr,
  adaptedRate: (event: RunEventOf<"step">) => event.dLr ?? NaN,
  gradientNorm: (event: RunEventOf<"step">) => event.gradientNorm,
  gradientShare: (event: RunEventOf<"step">) => event.gradientShare[0],
  seconds: (event: RunEventOf<"step">) => event.seconds,
  memory: (event: RunEventOf<"step">) => event.rssBytes,
} as const;
type StepColumn = keyof typeof stepColumns;

export interface EncoderCurves {
  readonly name: string;
  /** 5 %, median and 95 % of the vocabulary's norms. */
  readonly vocabularyNorms: readonly [number, number, number];
  /** One curve for each row. */
  readonly norms: readonly (readonly number[])[];
  readonly cosines: readonly (readonly number[])[];
}

/** What the page draws. All curves of a group share its `step`. */
export interface ThinnedCurves {
  readonly steps: {
    readonly step: readonly number[];
    readonly loss: Thinned;
    readonly smoothed: readonly number[];
    readonly smoothing: SmoothingState;
    readonly rate: readonly number[];
    /** NaN (null in JSON) where the optimizer does not adapt its rate. */
    readonly adaptedRate: readonly number[];
    readonly gradientNorm: Thinned;
    readonly gradientShare: readonly number[];
    readonly seconds: Thinned;
    readonly memory: readonly number[];
  };
  readonly fixed: { readonly step: readonly number[]; readonly loss: Thinned };
  readonly rows: { readonly step: readonly number[]; readonly encoders: readonly EncoderCurves[] };
}

export interface CurveRequest {
  /** Most points of a curve. */
  readonly points: number;
  /** Weight of the running average, in [0, 1). */
  readonly smoothing: number;
  readonly from?: number;
  readonly to?: number;
}

export interface Curves {
  add(event: RunEvent): void;
  thinned(request: CurveRequest): ThinnedCurves;
}

interface RowPoint {
  readonly step: number;
  readonly encoders: readonly Omit<RunEventOf<"rows">["encoders"][number], "nearest">[];
}

const rowCurves = (rows: readonly RowPoint[]): ThinnedCurves["rows"] => ({
  step: rows.map(({ step }) => step),
  encoders: (rows.at(-1)?.encoders ?? []).map(({ name, vocabularyNorms, norms }, encoder) => {
    const curve = (key: "norms" | "cosines") =>
      norms.map((_, row) => rows.map(({ encoders }) => encoders[encoder]?.[key][row] ?? NaN));
    return { name, vocabularyNorms, norms: curve("norms"), cosines: curve("cosines") };
  }),
});

export function newCurves(): Curves {
  const names = Object.keys(stepColumns) as StepColumn[];
  const steps = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    StepColumn,
    number[]
  >;
  const fixed = { step: [] as number[], loss: [] as number[] };
  const rows = { step: [] as number[], point: [] as RowPoint[] };

  /** Drops the points from `step` on, which is none unless the step comes a second time. */
  const makeRoom = (columns: { step: number[] } & Record<string, unknown[]>, step: number) => {
    if ((columns.step.at(-1) ?? -Infinity) < step) return;
    const length = lowerBound(columns.step, step);
    for (const column of Object.values(columns)) column.length = length;
  };

  const smoothed = (weight: number) => {
    const state = newSmoothing();
    return { state, values: steps.loss.map((loss) => smooth(state, loss, weight)) };
  };

  return {
    add(event) {
      if (event.event === "step") {
        makeRoom(steps, event.step);
        for (const name of names) steps[name].push(stepColumns[name](event));
      } else if (event.event === "fixed-loss") {
        makeRoom(fixed, event.step);
        fixed.step.push(event.step);
        fixed.loss.push(event.loss);
      } else if (event.event === "rows") {
        makeRoom(rows, event.step);
        rows.step.push(event.step);
        const encoders = event.encoders.map(({ nearest: _, ...curves }) => curves);
        rows.point.push({ step: event.step, encoders });
      }
    },

    thinned({ points, smoothing, from, to }) {
      const parts = (step: readonly number[], most = points): readonly Bucket[] =>
        buckets(step, most, from, to);
      const inSteps = parts(steps.step);
      const inFixed = parts(fixed.step);
      const average = smoothed(smoothing);
      return {
        steps: {
          step: lasts(steps.step, inSteps),
          loss: thin(steps.loss, inSteps),
          smoothed: lasts(average.values, inSteps),
          smoothing: average.state,
          rate: lasts(steps.rate, inSteps),
          adaptedRate: lasts(steps.adaptedRate, inSteps),
          gradientNorm: thin(steps.gradientNorm, inSteps),
          gradientShare: lasts(steps.gradientShare, inSteps),
          seconds: thin(steps.seconds, inSteps),
          memory: lasts(steps.memory, inSteps),
        },
        fixed: { step: lasts(fixed.step, inFixed), loss: thin(fixed.loss, inFixed) },
        rows: rowCurves(lasts(rows.point, parts(rows.step, Math.min(points, 300)))),
      };
    },
  };
}
