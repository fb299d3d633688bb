// The command line of `pipeline` as the runner's command, and what no option can know by itself.
// The trap: an option that only a training knows is refused of any other pipeline, which would leave it aside.
import { Effect } from "effect";
import { trainingApp } from "../inversion/app.ts";
import type { Fault } from "../lib/fault.ts";
import type { Command as PipelineCommand } from "../runtime/plan/prepare.ts";
import { type Options, UsageFault } from "./command.ts";
import { readingFrom } from "./from-file.ts";
import { requireTraining } from "./require-training.ts";

const text = (value: unknown): string | undefined =>
  value === undefined ? undefined : String(value);
const list = (value: unknown): readonly string[] =>
  value === undefined ? [] : [value].flat().map(String);

const checkStep = ({ toStep }: Options): Effect.Effect<void, Fault> => {
  const step = Number(toStep);
  if (toStep === undefined || (Number.isInteger(step) && step >= 1)) return Effect.void;
  return Effect.fail(
    new UsageFault({
      key: "--to-step",
      wanted: "a number of steps from 1 on",
      found: String(toStep),
      fix: "--to-step 300 ends after step 300; --until names a stage.",
    }),
  );
};

const checkMemory = ({ deviceMemory, dryRun }: Options): Effect.Effect<void, Fault> => {
  const gib = Number(deviceMemory);
  if (deviceMemory === undefined || (dryRun === true && gib > 0 && gib < Infinity)) {
    return Effect.void;
  }
  return Effect.fail(
    new UsageFault({
      key: "--device-memory",
      wanted: "with --dry-run, the GiB of a card to plan for",
      found: dryRun === true ? String(deviceMemory) : "no --dry-run",
      fix: "e.g. --dry-run --provider cuda --device-memory 12",
    }),
  );
};

const trainingsOwn = { fromFile: "--from-file", deviceMemory: "--device-memory" } as const;

const checkKind = (
  { pipeline, app: training }: PipelineCommand,
  options: Options,
): Effect.Effect<void, Fault> => {
  const given = Object.entries(trainingsOwn).find(([key]) => options[key] !== undefined);
  return given === undefined ? Effect.void : requireTraining(pipeline, training, { key: given[1] });
};

/** Fails with the first that is wrong. */
export const checkOptions = (
  command: PipelineCommand,
  options: Options,
): Effect.Effect<void, Fault> =>
  checkStep(options).pipe(
    Effect.andThen(checkMemory(options)),
    Effect.andThen(checkKind(command, options)),
  );

/** What the runner is asked for. */
export const commandOf = (
  name: string,
  options: Options,
  onProgress: PipelineCommand["onProgress"],
): PipelineCommand => ({
  pipeline: name,
  layers: {
    ...(options.config === undefined ? {} : { file: list(options.config) }),
    set: [
      ...list(options.set),
      ...(options.provider === undefined ? [] : [`provider=${options.provider}`]),
    ],
    ...(options.seed === undefined ? {} : { seed: String(options.seed) }),
    ...(options.output === undefined ? {} : { output: String(options.output) }),
  },
  selectors: {
    from: list(options.from),
    until: list(options.until),
    only: list(options.only),
    force: options.force === true,
    cache: options.cache !== false,
  },
  toStep: options.toStep === undefined ? undefined : Number(options.toStep),
  choice: { resume: text(options.resume), extend: options.extend === true },
  offline: options.dryRun === true,
  app: trainingApp(
    readingFrom(text(options.fromFile)),
    options.deviceMemory === undefined ? null : Number(options.deviceMemory),
  ),
  onProgress,
});
