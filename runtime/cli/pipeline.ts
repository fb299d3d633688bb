// `pipeline <name>`: runs a pipeline, or with --dry-run says what it would do and why.
// The trap: standard output is for people unless --json; then it holds events and nothing else.
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Effect, Schema, Scope } from "effect";
import { explain, explainAll } from "../../config/explain.ts";
import { overlay } from "../../config/overlay.ts";
import { emptySource } from "../../config/source.ts";
import type { Fault } from "../../engine/fault.ts";
import { readHeader } from "../../engine/weights/safetensors.ts";
import { asFault } from "../as-fault.ts";
import { type ReadConfiguration, readTrainingConfiguration } from "../configuration.ts";
import type { Ending } from "../ending.ts";
import { explainPlan } from "../explain.ts";
import type { RunObserver } from "../observers.ts";
import type { Plan } from "../plan.ts";
import { sameCommand } from "../platform/runtime.ts";
import { type Command as PipelineCommand, preflight, prepare, type World } from "../prepare.ts";
import { planRun, runPipeline } from "../run-pipeline.ts";
import { stateFile } from "../state.ts";
import { makeStopSignal } from "../stop-signal.ts";
import { Stopped } from "../stopped.ts";
import { type Command, type Terminal, UsageFault } from "./command.ts";
import { reportDefectsIn } from "./print-fault.ts";
import { type ProgressMode, progressObserver } from "./progress.ts";
import { progressLine } from "./progress-line.ts";
import { onSoftStop } from "./signals.ts";

type Options = Readonly<Record<string, unknown>>;

const text = (value: unknown): string | undefined =>
  value === undefined ? undefined : String(Array.isArray(value) ? value.at(-1) : value);
const list = (value: unknown): readonly string[] =>
  value === undefined ? [] : [value].flat().map(String);

/** The configuration that a result file carries, to make it again. */
const configurationOf = (file: string): Effect.Effect<Readonly<Record<string, unknown>>, Fault> =>
  Effect.gen(function* () {
    const { metadata } = yield* Effect.tryPromise({ try: () => readHeader(file), catch: asFault });
    const decode = Schema.decodeUnknownEffect(
      Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)),
    );
    return yield* decode(metadata["gnomic.configuration"]).pipe(
      Effect.mapError((cause): Fault =>
        new UsageFault({
          file,
          key: "--from-file",
          wanted: "an embedding that gnomic made, with its configuration in it",
          found: "none",
          fix: "Give the configuration with --config.",
          cause,
        })
      ),
    );
  });

/** As the pipeline file says, with a result file's configuration laid over it. */
const reading = (fromFile: string | undefined): ReadConfiguration => (layers) =>
  fromFile === undefined
    ? readTrainingConfiguration(layers)
    : Effect.flatMap(configurationOf(fromFile), (value) =>
      readTrainingConfiguration({
        ...layers,
        pipeline: overlay(layers.pipeline ?? emptySource, {
          value,
          places: new Map([["", { file: fromFile }]]),
        }),
      }));

function commandOf(name: string, options: Options): PipelineCommand {
  const provider = text(options.provider);
  return {
    pipeline: name,
    layers: {
      ...(options.config === undefined ? {} : { file: text(options.config)! }),
      set: [...list(options.set), ...(provider === undefined ? [] : [`provider=${provider}`])],
      ...(options.seed === undefined ? {} : { seed: text(options.seed)! }),
      ...(options.output === undefined ? {} : { output: text(options.output)! }),
    },
    selectors: {
      from: text(options.from),
      until: text(options.until),
      only: text(options.only),
      force: options.force === true,
      cache: options.cache !== false,
    },
    choice: { resume: text(options.resume), extend: options.extend === true },
    offline: options.dryRun === true,
  };
}

const modeOf = (options: Options): ProgressMode =>
  options.json === true ? "json" : options.quiet === true ? "quiet" : "full";

/** Who else looks at a run. What cannot be loaded or written is no reason not to train. */
const onlookers = (
  runDir: string,
  configuration: unknown,
  warn: (warning: string) => void,
): Effect.Effect<readonly RunObserver[]> =>
  Effect.tryPromise(async () => {
    const [{ openTensorBoard }, { reportObserver }] = await Promise.all([
      import("../tensorboard/tensorboard.ts"),
      import("../report/report-observer.ts"),
    ]);
    return [await openTensorBoard({ runDir, configuration, warn }), reportObserver(runDir)];
  }).pipe(
    Effect.catch(({ cause }) =>
      Effect.sync(() => {
        warn(`No event files and no report: ${asFault(cause).message}`);
        return [];
      })
    ),
  );

/** `--monitor`: the page of this run, as long as it trains. */
const servePage = (folder: string, print: (line: string) => void) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => (await import("../monitor/monitor.ts")).startMonitor(folder),
      catch: asFault,
    }),
    (monitor) => Effect.promise(() => monitor.close()),
  ).pipe(
    Effect.map((monitor) => print(`Open ${monitor.address}`)),
    Effect.catch((fault) => Effect.sync(() => print(`No page: ${fault.message}`))),
  );

/** The last lines, once a run ended well. */
function endingLines({ ending, dir, step, worked, files }: Ending): readonly string[] {
  const steps = step === null ? "" : ` after ${step} steps`;
  if (ending === "part") return ["What was selected is made."];
  return [
    worked ? `Complete${steps}: ${dir}` : `Complete already${steps}, nothing to do: ${dir}`,
    ...files.map((file) => `  ${join(dir, file)}`),
  ];
}

/** What a stop or a failure means for the next command. */
const goOn = (dir: string, step: number | null, again: string): string =>
  existsSync(stateFile(dir))
    ? `The state of step ${step ?? "?"} is in ${stateFile(dir)}; go on with: ${again}`
    : `Results so far are kept; go on with: ${again}`;

function dryRun(command: PipelineCommand, world: World, json: boolean, { print }: Terminal) {
  return Effect.gen(function* () {
    const prepared = yield* prepare(command, world);
    const plan = yield* planRun(prepared);
    if (json) print(JSON.stringify(plan));
    else [...prepared.configuration.notes, ...explainPlan(plan)].forEach(print);
    yield* preflight(prepared, plan);
  });
}

const run = (
  command: PipelineCommand,
  world: World,
  options: Options,
  again: string,
  { print }: Terminal,
) =>
  Effect.gen(function* () {
    const mode = modeOf(options);
    const { stdout, stderr } = process;
    const say = (line: string) => mode === "full" ? print(line) : void stderr.write(`${line}\n`);
    const stop = makeStopSignal();
    let values: unknown;
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        onSoftStop(() => {
          say("Stopping after this step. Ctrl-C again stops at once.");
          stop.request();
        })
      ),
      (release) => Effect.sync(release),
    );
    const scope = yield* Effect.scope;
    const terminal = progressObserver(stdout, mode);
    const ending = yield* runPipeline(command, world, {
      stop,
      onPlan: (plan: Plan, prepared) => {
        values = prepared.values;
        if (mode === "full") explainPlan(plan).forEach(print);
      },
      observers: (runDir) =>
        runDir === null ? Effect.succeed([terminal]) : Effect.gen(function* () {
          if (options.monitor === true) {
            yield* Effect.provideService(servePage(runDir, say), Scope.Scope, scope);
          }
          return [terminal, ...(yield* onlookers(runDir, values, say))];
        }),
    });
    if (ending.ending === "complete" || ending.ending === "part") {
      if (mode !== "json") endingLines(ending).forEach(print);
      return;
    }
    const after = goOn(ending.dir, ending.step, again);
    if (ending.ending === "stopped") {
      return yield* new Stopped({ wanted: "to go on", found: "a request to stop", fix: after });
    }
    reportDefectsIn(ending.dir);
    stderr.write(`${after}\n`);
    return yield* Effect.fail(ending.fault!);
  });

export const pipelineCommand: Command = {
  usage: "pipeline <name>",
  summary: "Run a pipeline: from pictures to an embedding; after any end, go on",
  options: [
    ["--config <file>", "Options from a YAML file, over those of the pipeline file"],
    ["--set <key=value>", "One option, e.g. optimizer.learning_rate=1e-3; may be repeated"],
    ["--output <dir>", "The folder of runs, over base_output_dir"],
    ["--seed <number>", "The seed of all randomness"],
    ["--provider <name>", "What computes: auto, cpu, webgpu, cuda, dml or coreml"],
    ["--from-file <file>", "The configuration that an embedding file carries, to make it again"],
    ["--dry-run", "Say what would be done and why; no network is used and nothing is written"],
    ["--explain [option]", "Say what an option means, or list them all"],
    ["--from <stage>", "Run this stage and those below it; the others must be in the store"],
    ["--until <stage>", "Run up to this stage"],
    ["--only <stage>", "Run this stage alone; what it reads must be in the store"],
    ["--force", "Make results again that are in the store; a training goes on from its state"],
    ["--no-cache", "Neither take results from the store nor keep them there"],
    ["--resume <run>", "Go on with this run, although the configuration differs from its own"],
    ["--extend", "Train a run further whose length matters, with its old rate schedule"],
    ["--monitor", "Serve a live page of the run meanwhile"],
    ["--quiet", "Only warnings, and how it ended"],
    ["--json", "Events on standard output, one JSON object a line, and nothing else"],
  ],
  sections: [{
    title: "DESCRIPTION",
    paragraphs: [
      "Runs the stages of pipelines/NAME.yaml (or of a YAML file given by its path). Results are kept " +
      "by what they are made of, so a second run does only what changed, and says why. The same " +
      "command finds its own run folder again: after Ctrl-C, a crash or a power cut it goes on at " +
      "the last finished step and ends with the same bytes.",
    ],
  }, {
    title: "FILES",
    paragraphs: [
      "OUTPUT/TRIGGER-XXXXXXXX/ is a run: TRIGGER.safetensors is the embedding, checkpoints/ and " +
      "validation/ what the training made on its way, report.html what to look at, run.json what " +
      "it was made of, events.jsonl everything that happened.",
      "OUTPUT/.gnomic-store/ keeps results that runs share.",
    ],
  }, {
    title: "EXIT STATUS",
    paragraphs: [
      "0 done. 2 something in the command, the configuration or the data is to be changed. 3 the " +
      "disk, the network or the device failed; the state is kept. 70 a defect; a report says more. " +
      "130 stopped by Ctrl-C.",
    ],
  }],
  examples: [
    "pipeline sdxl-ti",
    "pipeline sdxl-ti --dry-run",
    "pipeline sdxl-ti --config config/presets/gnome-24gb.yaml --set num_vectors=8",
    "pipeline sdxl-ti --explain data_loader.resolution",
  ],
  run: ([name], options, terminal) => {
    if (options.explain !== undefined) {
      return options.explain === true
        ? Effect.sync(() => terminal.print(explainAll()))
        : Effect.map(explain(String(options.explain)), terminal.print);
    }
    const progress = progressLine(process.stderr);
    const quiet = modeOf(options) !== "full";
    const world: World = {
      readConfiguration: reading(text(options.fromFile)),
      findDevice: ({ device }) => Effect.succeed(device === null ? null : "cpu"),
      onProgress: (_, done, total, unit) => quiet ? undefined : progress.update(done, total, unit),
    };
    const command = commandOf(name, options);
    if (command.offline) return dryRun(command, world, options.json === true, terminal);
    const again = sameCommand("pipeline", process.argv.slice(3));
    return Effect.scoped(run(command, world, options, again, terminal));
  },
};
