// How two runs differ: in their configuration and inputs, key by key; in what they reached; and which
// results of stages they have in common.
// The trap: results are the same only if their digests are; stages that give none are not compared.
import { type Change, jsonDifference } from "../../lib/json-difference.ts";
import { inputsByPicture } from "../../inversion/origins.ts";
import { incomparable } from "./measured-alike.js";
import type { Metric } from "../../inversion/metrics.js";
import { metricOfFigure, type Metrics, type RunDescription } from "./describe-run.ts";

export interface MetricDifference {
  readonly metric: string;
  readonly a: number | null;
  readonly b: number | null;
  /** Which of the two is better, where one is. */
  readonly better: "a" | "b" | null;
  /** False for losses that were measured on different things. */
  readonly comparable: boolean;
}

export interface StageDifference {
  readonly stage: string;
  /** Every output has the same digest in both. */
  readonly shared: boolean;
}

export interface Comparison {
  readonly a: string;
  readonly b: string;
  /** Null: one of the two is broken and has none. */
  readonly configuration: readonly Change[] | null;
  readonly inputs: readonly Change[] | null;
  /** Why their fixed losses do not compare; empty where they do. */
  readonly incomparable: readonly string[];
  /** Those that at least one of the two has. */
  readonly metrics: readonly MetricDifference[];
  /** Stages whose results both runs name. */
  readonly stages: readonly StageDifference[];
}

const changes = (a: unknown, b: unknown): readonly Change[] | null =>
  a === null || b === null ? null : jsonDifference(a, b);

function betterOf(which: Metric["better"], a: number | null, b: number | null): "a" | "b" | null {
  if (which === null || a === null || b === null || a === b) return null;
  return (a < b) === (which === "lower") ? "a" : "b";
}

const metricDifferences = (a: Metrics, b: Metrics, alike: boolean): MetricDifference[] =>
  Object.keys(a)
    .map((name) => {
      const metric = metricOfFigure.get(name);
      const comparable = alike || metric?.measuredOn !== true;
      return {
        metric: name,
        a: a[name],
        b: b[name],
        better: comparable ? betterOf(metric?.better ?? null, a[name], b[name]) : null,
        comparable,
      };
    })
    .filter(({ a, b }) => a !== null || b !== null);

/** Nothing to say of runs that measured no loss. */
const whyNot = (a: RunDescription, b: RunDescription): readonly string[] =>
  [a, b].every(({ metrics }) => measures(metrics)) ? incomparable(a.measuredOn, b.measuredOn) : [];

const measures = (metrics: Metrics): boolean =>
  Object.entries(metrics).some(([name, value]) =>
    value !== null && metricOfFigure.get(name)?.measuredOn === true
  );

export function compareRuns(a: RunDescription, b: RunDescription): Comparison {
  const reasons = whyNot(a, b);
  return {
    incomparable: reasons,
    a: a.name,
    b: b.name,
    configuration: changes(a.configuration, b.configuration),
    inputs: changes(a.inputs && inputsByPicture(a.inputs), b.inputs && inputsByPicture(b.inputs)),
    metrics: metricDifferences(
      { step: a.step, ...a.metrics },
      { step: b.step, ...b.metrics },
      reasons.length === 0,
    ),
    stages: Object.keys(a.outputs)
      .filter((stage) => stage in b.outputs && Object.keys(a.outputs[stage]).length > 0)
      .map((stage) => ({
        stage,
        shared: jsonDifference(a.outputs[stage], b.outputs[stage]).length === 0,
      })),
  };
}
