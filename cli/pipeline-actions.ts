// What `pipeline <name>` does: runs a pipeline, or with --dry-run says what it would do and why.
// The trap: standard output is for people unless --json; then it holds events and nothing else.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { Effect, Scope } from "effect";
import { trainingApp } from "../inversion/app.ts";
import { shownValues } from "../config/places.ts";
import { Stopped } from "../lib/fault.ts";
import type { RunOutcome } from "../runtime/execute/outcome.ts";
import { stateFile } from "../runtime/run-folder/state.ts";
import { runPipeline } from "../runtime/execute/run-pipeline.ts";
import { makeStopSignal } from "../runtime/execute/stop-signal.ts";
import type { App } from "../runtime/app.ts";
import { optionsOf } from "../runtime/open-app.ts";
import { explain, explainAll } from "../runtime/options/explain.ts";
import type { OptionRow } from "../runtime/options/option-table.ts";
import { loadPipeline } from "../runtime/pipeline/load-pipeline.ts";
import type { PipelineStep } from "../runtime/pipeline/pipeline.ts";
import { explainPlan } from "../runtime/plan/explain.ts";
import type { Command as PipelineCommand } from "../runtime/plan/prepare.ts";
import { sameCommand } from "../runtime/platform/runtime.ts";
import { storeName } from "../runtime/store/artefact-store.ts";
import type { Command, Options, Terminal } from "./command.ts";
import { dryRun } from "./dry-run.ts";
import { othersToStderr } from "./others-to-stderr.ts";
import { checkOptions, commandOf } from "./pipeline-options.ts";
import { plainText } from "./plain-text.ts";
import { reportDefectsIn } from "./print-fault.ts";
import { progressLine } from "./progress-line.ts";
import { type ProgressMode, progressObserver } from "./progress.ts";
import { runObservers, servePage } from "./run-observers.ts";
import { onSoftStop } from "./signals.ts";

const modeOf = (options: Options): ProgressMode =>
  options.json === true ? "json" : options.quiet === true ? "quiet" : "full";

/** The last lines, once a run ended well. */
function outcomeLines({ ending, dir, step, worked, files }: RunOutcome): readonly string[] {
  const steps = step === null ? "" : ` after ${step} ${step === 1 ? "step" : "steps"}`;
  if (ending === "paused") {
    return [`Paused ${worked ? "" : "already "}after step ${step}: ${dir}`];
  }
  if (ending === "part") return ["What was selected is made."];
  return [
    !existsSync(dir)
      ? `Complete: results are in the store (${join(dirname(dir), storeName)})`
      : worked
      ? `Complete${steps}: ${dir}`
      : `Complete already${steps}, nothing to do: ${dir}`,
    ...files.map((file) => `  ${join(dir, file)}`),
  ];
}

/** What a stop or a failure means for the next command. After a mistake the same one would fail the same. */
function goOn({ dir, step, fault }: RunOutcome, again: string): string {
  const kept = existsSync(stateFile(dir))
    ? `The state of step ${step ?? "?"} is in ${stateFile(dir)}`
    : "Results so far are kept";
  return fault?.kind === "user" ? `${kept}.` : `${kept}; go on with: ${again}`;
}

/**
 * Who started this holds its standard input open; once that closes he is gone, and so are we, at once: every
 * finished step is on disk. A soft stop could outlive the lease that others wait for.
 */
const endWithStdin = (): void => {
  const end = () => void process.kill(process.pid, "SIGKILL");
  process.stdin.on("end", end).on("error", end).resume();
};

const run = (
  command: PipelineCommand,
  options: Options,
  { print }: Terminal,
) =>
  Effect.gen(function* () {
    const mode = modeOf(options);
    const { stderr } = process;
    const stdout = mode === "json" ? yield* othersToStderr : process.stdout;
    const say = (line: string) => mode === "full" ? print(line) : void stderr.write(`${line}\n`);
    const scope = yield* Effect.scope;
    const stop = makeStopSignal();
    if (options.whileStdin === true) endWithStdin();
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        onSoftStop(() => {
          say("Stopping after this step. Ctrl-C again, more than a second later, stops at once.");
          stop.request();
        })
      ),
      (release) => Effect.sync(release),
    );
    const terminal = progressObserver(stdout, mode);
    let configuration: unknown = {};
    let warnings: readonly string[] = [];
    const ending = yield* runPipeline(command, {
      stop,
      onPlan: (plan, prepared) => {
        configuration = shownValues(prepared.values, prepared.info.places);
        warnings = [...prepared.warnings];
        if (mode === "full") explainPlan(plan).map(plainText).forEach(print);
      },
      observers: (runDir) =>
        runDir === null ? Effect.succeed([terminal]) : Effect.gen(function* () {
          if (options.monitor === true) {
            const isLog = mode !== "full" && stderr.isTTY !== true;
            yield* Effect.provideService(servePage(runDir, say, isLog), Scope.Scope, scope);
          }
          return [terminal, ...(yield* runObservers(runDir, configuration, say))];
        }),
    });
    if (!["stopped", "failed"].includes(ending.ending)) {
      // In a run's log they stand with its plan; where nothing is left to do there is none.
      if (!ending.worked && mode === "full") warnings.map(plainText).forEach(print);
      if (mode !== "json") outcomeLines(ending).forEach(print);
      return;
    }
    const after = goOn(ending, sameCommand("pipeline", process.argv.slice(3)));
    if (ending.fault === null) {
      return yield* new Stopped({ wanted: "to go on", found: "a request to stop", fix: after });
    }
    reportDefectsIn(ending.dir);
    stderr.write(`${after}\n`);
    return yield* Effect.fail(ending.fault);
  });

/** Of an app that has options of its own, these, and what the pipeline file alone can tell other stages. */
function optionRows(app: App, steps: readonly PipelineStep[]): readonly OptionRow[] {
  if (app.options === undefined) return optionsOf(steps);
  const known = app.options();
  const keys = new Set(known.map(({ key }) => key));
  const foreign = steps.filter(({ stage }) => !(stage.name in app.stages)).flatMap((step) =>
    optionsOf([step])
      .filter(({ key }) => !keys.has(key))
      .map((row) => ({ ...row, key: `stages.${step.id}.options.${row.key}` }))
  );
  return [...known, ...foreign];
}

const explained = (name: string, key: unknown, { print }: Terminal) =>
  Effect.gen(function* () {
    const { app, steps } = yield* loadPipeline(name, trainingApp());
    const rows = optionRows(app, yield* steps);
    print(key === true ? explainAll(rows) : yield* explain(String(key), rows));
  });

export const doPipeline: Command["run"] = ([name], options, terminal) => {
  if (options.explain !== undefined) return explained(name, options.explain, terminal);
  const downloads = progressLine(process.stderr);
  const command = commandOf(name, options, (_stage, done, total, unit) => {
    if (modeOf(options) === "full") downloads.update(done, total, unit);
  });
  const work = command.offline
    ? dryRun(command, options.json === true, terminal)
    : run(command, options, terminal);
  return Effect.andThen(checkOptions(command, options), Effect.scoped(work));
};
