// How long a step and the whole training take: on a device that is here from its measured rate, on a card
// that is not from the makers' data sheets; from the shapes of what is computed, before any of it is.
// The trap: this is an order of magnitude, and has to be said to be one. Encoding the pictures is not in it.
import { Schema } from "effect";
import { fixedLossFields } from "../../config/fixed-loss.ts";
import { lengthFields } from "../../config/length.ts";
import { optimizerFields } from "../../config/optimizer.ts";
import { validationFields } from "../../config/validation.ts";
import { type MemoryPlan, memoryPlans } from "../../engine/memory/memory-plan.ts";
import type { MemoryRow, Work } from "../../engine/memory/memory-rows.ts";
import { type DeviceRate, secondsOf } from "../../engine/memory/step-time.ts";
import { followingPictures } from "../../stages/validate/prompt-following.ts";

/** The configuration's keys that decide how often what is computed. */
export const timeFields = {
  ...lengthFields,
  ...validationFields,
  gradient_accumulation_steps: optimizerFields.gradient_accumulation_steps,
  fixed_loss_every: fixedLossFields.fixed_loss_every,
};
const Options = Schema.Struct(timeFields);
export type TimeOptions = typeof Options.Type;

const { Array: List, Boolean: Flag, Finite, Literals, NullOr, Struct, String: Text } = Schema;

/** Of one device. */
const TimeRow = Struct({
  device: Text,
  /** Null: it holds no plan. */
  plan: NullOr(Literals(memoryPlans)),
  /** Seconds. */
  step: NullOr(Finite),
  /** Seconds; null: nobody can say how many steps there are. */
  training: NullOr(Finite),
});

export const TimeTable = Struct({
  /** Whether the rates were measured on the device, or come from data sheets. */
  measured: Flag,
  steps: NullOr(Finite),
  /** Of validations, and of prompt_following. */
  pictures: Finite,
  rows: List(TimeRow),
});
export type TimeTable = typeof TimeTable.Type;

/** A device that it is worked out for. */
export interface TimedDevice {
  readonly name: string;
  readonly rate: DeviceRate;
  /** Bytes; undefined: the plan is as chosen. */
  readonly memory: number | undefined;
}

export interface TimeWish {
  readonly options: TimeOptions;
  /** Of a training in epochs, as far as the number of pictures is known. */
  readonly steps: number | null;
  readonly rows: readonly MemoryRow[];
  /** The plans to choose from, and the one that is taken where a device's memory is not known. */
  readonly plans: readonly MemoryPlan[];
  readonly plan: MemoryPlan;
}

/** Measuring the fixed loss costs at most this much of the steps (fixed-loss-every.ts). */
const measuring = 0.1;

/** Pictures of all validations. */
export function picturesOf(
  options: TimeOptions,
  steps: number | null,
  epochs: number | null = options.max_train_epochs,
): number {
  const { validate_every_n_steps: every, validate_every_n_epochs: everyEpochs } = options;
  const along = every !== null && steps !== null
    ? Math.ceil(steps / every)
    : everyEpochs !== null && epochs !== null
    ? Math.ceil(epochs / everyEpochs)
    : 1;
  const times = along + (options.validate_at_start ? 1 : 0);
  const each = options.validation_prompts.length * options.num_validation_images_per_prompt *
    (options.validation_pooling === "both" ? 2 : 1);
  return times * each;
}

/** Below so many operations no processor takes more than some minutes, and nobody needs to be told. */
const longTraining = 2e14;

/** Whether it is worth some seconds to find out how long it takes. */
export function isLong({ options, steps: counted, rows, plan }: TimeWish): boolean {
  const steps = options.max_train_steps ?? counted ?? 1;
  const cost = rows.find((row) => row.plan === plan)?.cost;
  return cost !== undefined &&
    steps * options.gradient_accumulation_steps * cost.flops >= longTraining;
}

const rowOf = (rows: readonly MemoryRow[], work: Work) => rows.find((row) => row.work === work);

/** `seconds` of one step and of all of it, by device. */
export function timeTable(
  { options, steps: counted, rows, plans, plan: chosen }: TimeWish,
  devices: readonly TimedDevice[],
  measured: boolean,
): TimeTable {
  const steps = options.max_train_steps ?? counted;
  const pictures = picturesOf(options, steps);
  const following = options.prompt_following && pictures > 0 ? followingPictures : 0;
  const guided = options.validation_guidance > 1 ? 1 : 0.5;
  const lines = devices.map(({ name, rate, memory }) => {
    const plan = memory === undefined
      ? chosen
      : plans.find((each) =>
        rows.some((row) => row.work === "training" && row.plan === each && row.peak <= memory)
      ) ?? null;
    const training = rows.find((row) => row.plan !== undefined && row.plan === plan);
    if (training === undefined) return { device: name, plan: null, step: null, training: null };
    const seconds = (work: Work) => {
      const row = rowOf(rows, work);
      return row === undefined ? 0 : secondsOf(row.cost, rate);
    };
    const step = options.gradient_accumulation_steps * secondsOf(training.cost, rate);
    const drawn = options.validation_steps * guided * seconds("prediction");
    const all = steps === null
      ? null
      : steps * step * (options.fixed_loss_every === null ? 1 : 1 + measuring) +
        (pictures + following) * drawn + pictures * seconds("decode");
    return { device: name, plan, step, training: all };
  });
  return { measured, steps, pictures: pictures + following, rows: lines };
}

/** e.g. "2000 steps and 12 pictures"; empty where nobody can say. */
export const lengthText = ({ steps, pictures }: TimeTable): string =>
  steps === null ? "" : `${steps} steps${pictures === 0 ? "" : ` and ${pictures} pictures`}`;

/** e.g. "0.44 s", "2 min", "70 h": two digits are more than an estimate has. */
export function aboutText(seconds: number): string {
  const [value, unit] = seconds < 120
    ? [seconds, "s"]
    : seconds < 7200
    ? [seconds / 60, "min"]
    : [seconds / 3600, "h"];
  return `${Number(value.toPrecision(2))} ${unit}`;
}

/** What is said before a training begins. */
export const timeNotes = (time: TimeTable): readonly string[] =>
  time.rows.flatMap(({ device, step, training }) =>
    step === null ? [] : [
      training === null
        ? `About ${aboutText(step)} a step on ${device}, by how fast it took a small network's.`
        : `About ${aboutText(training)} on ${device}: ${lengthText(time)}, ${aboutText(step)} a ` +
          "step, by how fast it took a small network's.",
    ]
  );
