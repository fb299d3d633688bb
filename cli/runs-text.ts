// What the actions of `runs` say in words: tables of runs, one run in full, two runs compared.
// The trap: everything comes from files that may be damaged; what is not known is shown as "-".
import { measuredGroups } from "../observe/reading/measured-alike.js";
import type { ListedRun } from "../observe/reading/run-list.ts";
import { machinesDiffer } from "../lib/machines-differ.ts";
import type { Change } from "../lib/json-difference.ts";
import type { Comparison } from "../observe/reading/compare-runs.ts";
import type { Metrics, RunDescription } from "../observe/reading/describe-run.ts";
import type { Prunable } from "../runtime/runs/prune.ts";
import type { SurveyedRun } from "../runtime/runs/survey.ts";
import { bytesText, secondsText, timeText } from "./quantity.ts";
import { table } from "./table.ts";

const none = "-";

export interface RunLine {
  readonly run: SurveyedRun;
  /** What its events say; undefined where there are none. */
  readonly listed: ListedRun | undefined;
}

const stepsText = (step: number | null, total: number | null) =>
  step === null ? none : total === null || total === 0 ? `${step}` : `${step}/${total}`;

const mostNotes = 8;

const lossCell = (loss: number | null | undefined) => loss?.toFixed(5) ?? none;

/** Where losses were measured on different things, a letter stands behind each, and the reasons below. */
export function listText(lines: readonly RunLine[]): readonly string[] {
  const { groups, notes } = measuredGroups(
    lines.map(({ listed }) => ({
      on: listed?.measuredOn ?? null,
      measured: (listed?.state.fixedLoss ?? null) !== null,
    })),
  );
  return [
    ...table([
      ["RUN", "STATUS", "STEP", "LOSS", "BEST FIXED LOSS", "TOUCHED"],
      ...lines.map(({ run, listed }, i) => [
        run.name,
        run.status,
        stepsText(run.step, listed?.state.totalSteps ?? null),
        lossCell(listed?.state.loss),
        [lossCell(listed?.state.fixedLoss?.bestLoss), groups[i]].filter(Boolean).join(" "),
        timeText(run.touchedAt),
      ]),
    ], new Set([2, 3, 4])),
    ...(notes.length === 0 ? [] : [
      "Best fixed losses compare only within a letter.",
      ...notes.slice(0, mostNotes),
      ...(notes.length > mostNotes ? [`... and ${notes.length - mostNotes} more letters.`] : []),
    ]),
  ];
}

const metricText = (value: number | null): string =>
  value === null ? none : Number.isInteger(value) ? `${value}` : value.toPrecision(5);

const metricRows = (metrics: Metrics) =>
  Object.entries(metrics)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, metricText(value)]);

const attemptRow = (attempt: RunDescription["attempts"][number], i: number): string[] => {
  const { startedAt, endedAt, fromStep, toStep, exit, versions, machine } = attempt;
  return [
    `attempt ${i + 1}`,
    timeText(startedAt) +
    (endedAt === null
      ? ", no end on record"
      : `, ${secondsText((endedAt - startedAt) / 1000)}, exit ${exit}`) +
    `, step ${fromStep} to ${toStep ?? "?"}` +
    (versions.runtime === undefined ? "" : `, ${versions.runtime}`) +
    (machine === undefined ? "" : `, on ${machine.name}`),
  ];
};

export function showText(run: RunDescription): readonly string[] {
  const facts: [string, string | number | null][] = [
    ["folder", run.dir],
    ["status", run.status + (run.pid === null ? "" : ` (process ${run.pid})`)],
    ["trouble", run.trouble],
    ["ended", run.outcome],
    ["step", stepsText(run.step, run.totalSteps)],
    ["time worked", run.workedSeconds === 0 ? null : secondsText(run.workedSeconds)],
    ["pipeline", run.pipeline],
    ["trigger", run.trigger],
    ["seed", run.seed],
    ["device", run.device],
    ["differs from", run.parent],
    ["bytes", machinesDiffer(run.attempts)],
    ["chosen", run.chosen === null ? null : `step ${run.chosen.step}, ${run.chosen.path}`],
    ["validations", `${run.validations.done} done, ${run.validations.failed} failed`],
    [
      "unreadable",
      run.unreadableEvents === 0 ? null : `${run.unreadableEvents} lines of its events`,
    ],
  ];
  const known = facts.filter(([, value]) => value !== null).map((
    [name, value],
  ) => [name, `${value}`]);
  return [
    run.name,
    ...indented(table([...known, ...run.attempts.map(attemptRow), ...metricRows(run.metrics)])),
    ...(run.files.length === 0 ? [] : [
      "files",
      ...indented(table(run.files.map(({ path, bytes }) => [path, bytesText(bytes)]))),
    ]),
    ...table(run.warnings.map((text) => ["warning:", text])),
  ];
}

const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);

/** Of a digest as much as tells two apart. */
const valueText = (value: unknown) =>
  value === undefined
    ? none
    : JSON.stringify(value).replace(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, "$1");

const changeLines = (what: string, changes: readonly Change[] | null): readonly string[] =>
  changes === null
    ? [`${what}: not known of both`]
    : changes.length === 0
    ? [`${what}: the same`]
    : [
      what,
      ...indented(table(changes.map(({ key, from, to }) => [key, valueText(from), valueText(to)]))),
    ];

export function compareText(
  { a, b, configuration, inputs, metrics, stages, incomparable }: Comparison,
) {
  return [
    `A ${a}`,
    `B ${b}`,
    ...changeLines("configuration (A, B)", configuration),
    ...changeLines("pictures and weights (A, B)", inputs),
    "results",
    ...indented(table([
      ["", "A", "B", "B - A", "BETTER"],
      ...metrics.map(({ metric, a, b, better, comparable }) => [
        metric,
        metricText(a),
        metricText(b),
        a === null || b === null || !comparable ? none : metricText(b - a),
        better?.toUpperCase() ?? "",
      ]),
    ], new Set([1, 2, 3]))),
    ...(incomparable.length === 0
      ? []
      : [`  The fixed-input losses do not compare: ${incomparable.join("; ")}.`]),
    ...(stages.length === 0 ? [] : [
      "stages",
      ...indented(table(stages.map(({ stage, shared }) => [stage, shared ? "shared" : "differs"]))),
    ]),
  ];
}

const sum = (files: readonly { readonly bytes: number }[]) =>
  files.reduce((all, { bytes }) => all + bytes, 0);

export function pruneText(
  { runs, blobs, entries, leftovers, unreadable }: Prunable,
  done: boolean,
): readonly string[] {
  const bytes = sum(runs) + sum(blobs) + sum(entries);
  const stays = unreadable.map(({ name, trouble, fix }) =>
    `${name} cannot be read (${trouble}), so everything stays: ${fix}.`
  );
  if (bytes === 0 && runs.length + leftovers.length === 0) {
    return [...stays, "Nothing to clear up."];
  }
  return [
    ...stays,
    ...table(
      runs.map(({ run, bytes }) => [
        run.name,
        run.status,
        stepsText(run.step, null),
        timeText(run.touchedAt),
        bytesText(bytes),
      ]),
    ),
    ...leftovers.map((name) => `${name}, left by an interrupted command`),
    `Runs: ${runs.length}. Files of the store that no other run refers to: ` +
    `${blobs.length + entries.length}. Together ${bytesText(bytes)}.`,
    done ? "Removed." : "Nothing was removed; --yes removes it.",
  ];
}
