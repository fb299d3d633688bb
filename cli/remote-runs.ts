// `runs` on machines that do not see a run's folder: what the rows of the fleet tell of it.
// The trap: only with a PostgreSQL; a sweep of this machine has its runs in the folder itself.
import { Effect } from "effect";
import type { Fleet } from "../fleet/connection.ts";
import {
  findRemoteRun,
  NoSuchRemoteRun,
  type RemoteRun,
  remoteRuns,
} from "../fleet/remote-runs.ts";
import { type Fault, fault } from "../lib/fault.ts";
import { jsonDifference } from "../lib/json-difference.ts";
import { findRun, NoSuchRun } from "../runtime/runs/find-run.ts";
import type { SurveyedRun } from "../runtime/runs/survey.ts";
import { lossText } from "./quantity.ts";
import { table } from "./table.ts";

/** Of the fleet and not in the folder. */
export const runsElsewhere = (
  fleet: Fleet,
  here: ReadonlySet<string>,
): Effect.Effect<readonly RemoteRun[], Fault> =>
  Effect.map(remoteRuns(fleet), (all) => all.filter(({ name }) => !here.has(name)));

/** Whether the folder's run is what somebody trains or has trained to its end here. */
const isCurrent = ({ status }: SurveyedRun) =>
  status === "running" || status === "elsewhere" || status === "complete";

/** The run in the folder, unless it is a copy of what another machine trains now or has further; else the fleet's. */
export const findAnywhere = (
  text: string,
  fleet: Fleet,
): Effect.Effect<SurveyedRun | RemoteRun, Fault> =>
  Effect.gen(function* () {
    const found = yield* Effect.result(findRun(text, fleet.base));
    if (found._tag === "Failure") {
      const { failure } = found;
      return yield* failure instanceof NoSuchRun && text !== "latest"
        ? findRemoteRun(text, fleet)
        : Effect.fail(failure);
    }
    const local = found.success;
    if (isCurrent(local)) return local;
    const remote = yield* Effect.catchIf(
      findRemoteRun(local.name, fleet),
      (failure) => failure instanceof NoSuchRemoteRun,
      () => Effect.succeed(null),
    );
    const isOld = remote !== null &&
      (remote.state === "training" || remote.step > (local.step ?? 0));
    return isOld ? remote : local;
  });

export const isElsewhere = (run: SurveyedRun | RemoteRun): run is RemoteRun => "sweep" in run;

export class CannotCompare extends fault("CannotCompare", "user") {}

/** What the fleet's rows tell of a run, to compare it with one that is elsewhere. */
export const inFleet = (
  run: SurveyedRun | RemoteRun,
  fleet: Fleet,
): Effect.Effect<RemoteRun, Fault> =>
  isElsewhere(run) ? Effect.succeed(run) : Effect.catchIf(
    findRemoteRun(run.name, fleet),
    (failure) => failure instanceof NoSuchRemoteRun,
    () =>
      new CannotCompare({
        wanted: `two runs of ${fleet.base}, or two of ${fleet.shown}`,
        found: `${run.name}, which only the folder has, and one that only the database has`,
        fix: "Bring that here: `runs export` on its machine, `runs import` on this one.",
      }),
  );

export const elsewhereText = (runs: readonly RemoteRun[]): readonly string[] =>
  runs.length === 0 ? [] : [
    "",
    ...table([
      ["ELSEWHERE", "STATUS", "STEP", "LOSS", "SWEEP", "MACHINE"],
      ...runs.map((run) => [
        run.name,
        run.state,
        `${run.step}/${run.steps ?? "?"}`,
        lossText(run.loss),
        `${run.sweep} ${run.trial}`,
        run.machine ?? "-",
      ]),
    ], new Set([2, 3])),
  ];

export const remoteText = (run: RemoteRun): readonly string[] => [
  run.name,
  ...table([
    ["sweep", `${run.sweep}, trial ${run.trial}`],
    ["status", run.state],
    ["machine", run.machine ?? "-"],
    ["step", `${run.step}/${run.steps ?? "?"}`],
    ["loss", `${lossText(run.loss)}${run.lossStep === null ? "" : ` at step ${run.lossStep}`}`],
    ...(run.differs === null ? [] : [["bytes", run.differs]]),
    ["varies", JSON.stringify(run.overrides)],
    ...(run.message === null ? [] : [["said", run.message.split("\n").at(-1)!]]),
  ]).map((line) => `  ${line}`),
];

/** What the rows tell of two runs: what they vary and what they reached. */
export const compareRows = (a: RemoteRun, b: RemoteRun) => {
  const reached = ({ state, step, loss, lossStep, seconds }: RemoteRun) => ({
    ...{ state, step, loss, lossStep, seconds },
  });
  return {
    a: a.name,
    b: b.name,
    overrides: jsonDifference(a.overrides, b.overrides),
    results: jsonDifference(reached(a), reached(b)),
  };
};

export const compareRowsText = (
  { a, b, overrides, results }: ReturnType<typeof compareRows>,
): readonly string[] => [
  `A ${a}`,
  `B ${b}`,
  ...table(
    [...overrides, ...results].map(({ key, from, to }) => [
      `  ${key}`,
      JSON.stringify(from ?? null),
      JSON.stringify(to ?? null),
    ]),
  ),
];
