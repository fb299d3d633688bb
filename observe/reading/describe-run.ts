// Everything that `runs show` says of a run: what it was made with, how its attempts went, what its events
// tell in numbers, and which files it has. A broken run is described as far as it can be read.
import { join } from "node:path";
import { Effect } from "effect";
import { asFault } from "../../lib/as-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { namesIn } from "../../lib/look.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { type Figures, type Metric, metrics } from "../../inversion/metrics.js";
import { type MeasuredOn, measuredOn } from "../../inversion/measured-on.ts";
import { newRunReader, type RunState } from "./run-reader.ts";
import { workedSeconds } from "./run-answers.js";
import type { Attempt, Manifest } from "../../runtime/run-folder/manifest.ts";
import { isTensorResult } from "../../runtime/run-folder/run-files.ts";
import type { SurveyedRun } from "../../runtime/runs/survey.ts";

/** Numbers of one run, by the name that people read; null where it has none. */
export type Metrics = Readonly<Record<string, number | null>>;

export interface RunDescription extends Omit<SurveyedRun, "manifest"> {
  readonly pipeline: string | null;
  readonly trigger: string | null;
  readonly seed: number | null;
  readonly device: string | null;
  readonly parent: string | null;
  readonly totalSteps: number | null;
  readonly attempts: readonly Attempt[];
  /** Of its attempts; what lies between them is not counted. */
  readonly workedSeconds: number;
  readonly metrics: Metrics;
  /** Of steps whose validation has been dealt with. */
  readonly validations: { readonly done: number; readonly failed: number };
  /** What its fixed losses were measured on; null: its manifest does not say. */
  readonly measuredOn: MeasuredOn | null;
  readonly chosen: { readonly step: number; readonly path: string } | null;
  readonly outcome: string | null;
  readonly warnings: readonly string[];
  /** Embeddings, newest last; relative to the run's folder. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly configuration: Readonly<Record<string, unknown>> | null;
  readonly inputs: Readonly<Record<string, unknown>> | null;
  /** Digests of its artefacts, by stage and port. */
  readonly outputs: Manifest["outputs"];
  /** Lines of its event log that are no events. */
  readonly unreadableEvents: number;
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** The names of a metric's figures, each with its value. */
function figuresOf(metric: Metric, state: RunState): readonly (readonly [string, number | null])[] {
  const known = state.metrics[metric.key];
  const { first, last, mean } = namesOf(metric);
  return [
    ...(first === undefined ? [] : [[first, known?.first ?? null] as const]),
    ...(last === undefined ? [] : [[last, known?.last ?? null] as const]),
    ...(mean === undefined ? [] : [[mean, meanOf(known?.recent ?? [])] as const]),
  ];
}

const namesOf = ({ title, figures }: Metric): Figures =>
  figures === undefined ? { last: title } : figures ?? {};

/** The metric of each figure, by the figure's name; where a run began is neither better nor worse. */
export const metricOfFigure: ReadonlyMap<string, Metric> = new Map(
  metrics.flatMap((metric) => {
    const { first, ...others } = namesOf(metric);
    return [
      ...(first === undefined ? [] : [[first, { ...metric, better: null }] as const]),
      ...Object.values(others).map((name) => [name, metric] as const),
    ];
  }),
);

const metricsIn = (state: RunState): Metrics =>
  Object.fromEntries(metrics.flatMap((metric) => figuresOf(metric, state)));

/** The embeddings that are there now, whatever the events say. */
const embeddingsIn = (dir: string): Effect.Effect<RunDescription["files"], Fault> =>
  Effect.gen(function* () {
    const files = yield* Files;
    const inFolder = (folder: string) =>
      Effect.map(
        namesIn(join(dir, folder)),
        (names) =>
          names.filter(isTensorResult).toSorted().map((name) =>
            folder === "" ? name : `${folder}/${name}`
          ),
      );
    const paths = [...yield* inFolder("checkpoints"), ...yield* inFolder("")];
    return yield* Effect.forEach(
      paths,
      (path) =>
        Effect.map(files.stat(join(dir, path)), ({ size }) => ({ path, bytes: Number(size) })),
    );
  }).pipe(Effect.mapError(asFault));

export const describeRun = (run: SurveyedRun): Effect.Effect<RunDescription, Fault> =>
  Effect.gen(function* () {
    const { manifest, ...survey } = run;
    const { state, unreadable } = yield* tryPromise(() => newRunReader(run.dir).read());
    const dealtWith = Object.values(state.validations).map((each) => each.state);
    const { outcome } = state;
    return {
      ...survey,
      pipeline: manifest?.pipeline ?? null,
      trigger: manifest?.trigger ?? (state.trigger || null),
      seed: manifest?.seed ?? null,
      device: manifest?.device ?? (state.device || null),
      parent: manifest?.parent ?? null,
      totalSteps: state.totalSteps || null,
      attempts: manifest?.attempts ?? [],
      workedSeconds: workedSeconds(state.spans),
      metrics: metricsIn(state),
      validations: {
        done: dealtWith.filter((each) => each === "finished").length,
        failed: dealtWith.filter((each) => each === "failed").length,
      },
      measuredOn: measuredOn(manifest),
      chosen: state.chosen,
      outcome: outcome === null ? null : [outcome.kind, outcome.text].filter(Boolean).join(": "),
      warnings: state.messages.filter(({ kind }) => kind === "warning").map(({ text }) => text),
      files: yield* embeddingsIn(run.dir),
      configuration: manifest?.configuration ?? null,
      inputs: manifest?.inputs ?? null,
      outputs: manifest?.outputs ?? {},
      unreadableEvents: unreadable,
    };
  });
