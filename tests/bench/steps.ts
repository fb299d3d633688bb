// Step time, first step and peak memory against the reference trainer, and the memory planner against what was
// measured. Contenders take turns, so that a busy machine slows all of them.
// The trap: with `full` it takes half an hour, 7 GB of disk and 12 GB of memory.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { table } from "../../cli/table.ts";
import { type Contender, contenders, programRun, type Setting, type Timing } from "./contenders.ts";
import { makeModel } from "./make-model.ts";
import { median } from "./measured-process.ts";

type Print = (line: string) => void;

const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)}`;
const seconds = (value: number) => Number.isNaN(value) ? "-" : value.toFixed(2);
const right = new Set([1, 2, 3, 4, 5]);
/** Nothing but steps: at the real size, measuring the loss takes minutes. */
const alone = { fixed_loss_every: null };

/** Runs every contender once a round, in turns; a contender that fails is left out from then on. */
async function inTurns(all: readonly Contender[], rounds: number) {
  const timings = new Map<string, Timing[]>();
  const out = new Map(all.flatMap(({ name, skip }) => skip === undefined ? [] : [[name, skip]]));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run } of all) {
      if (out.has(name)) continue;
      process.stderr.write(`round ${round} of ${rounds}: ${name}\n`);
      try {
        timings.set(name, [...timings.get(name) ?? [], await run()]);
      } catch (error) {
        out.set(name, (error as Error).message.trim().split("\n").at(-1)!);
      }
    }
  }
  return { timings, out };
}

type Measure = keyof Timing;

/** The median over rounds of ours against theirs, each round by itself. */
const ratio = (ours: readonly Timing[] = [], theirs: readonly Timing[] = [], measure: Measure) =>
  median(
    ours.flatMap((timing, i) =>
      theirs[i] === undefined ? [] : [timing[measure] / theirs[i][measure]]
    ),
  );

const checkpointing = "reference float32, checkpointing";
const fastest = "reference float32";
const goals: readonly (readonly [ours: string, theirs: string, measure: Measure, most: number])[] =
  [
    ["engine, plan A", fastest, "step", 0.7],
    ["gnomic, plan A", fastest, "step", 0.55],
    ["gnomic, plan A", fastest, "peak", 0.6],
    ["gnomic, plan A", fastest, "first", 0.35],
    ["gnomic, plan B", checkpointing, "step", 0.4],
    ["gnomic, plan B", checkpointing, "peak", 0.6],
    ["gnomic, plan B", checkpointing, "first", 0.35],
  ];

async function race(setting: Setting, rounds: number, print: Print): Promise<void> {
  const all = contenders(setting);
  const { timings, out } = await inTurns(all, rounds);
  print(
    `quarter-width SDXL, ${setting.pixels} px, batch 1, ${setting.threads} threads, ` +
      `medians of ${rounds} rounds of ${setting.steps} steps`,
  );
  const of = (name: string, measure: Measure) =>
    median((timings.get(name) ?? []).map((timing) => timing[measure]));
  const lines = all.map(({ name }) =>
    out.has(name) ? [name, "", "", "", out.get(name)!] : [
      name,
      seconds(of(name, "first")),
      seconds(of(name, "step")),
      mib(of(name, "peak")),
      "",
    ]
  );
  const head = ["", "first step s", "step s", "peak MiB", ""];
  table([head, ...lines], new Set([1, 2, 3])).forEach(print);
  print("");
  const compared = goals.map(([ours, theirs, measure, most]) => {
    const found = ratio(timings.get(ours), timings.get(theirs), measure);
    const verdict = Number.isNaN(found) ? "not measured" : found <= most ? "ok" : "ABOVE";
    return [`${ours} / ${theirs}`, measure, seconds(found), `${most}`, verdict];
  });
  table([["in pairs", "", "ratio", "at most", ""], ...compared], new Set([2, 3])).forEach(print);
}

/** What a dry run says beside what the training really took. */
async function planner(
  name: string,
  model: string,
  sizes: readonly (readonly [number, string])[],
  { threads, steps }: { readonly threads: number; readonly steps: number },
  print: Print,
): Promise<void> {
  const lines: string[][] = [];
  for (const [pixels, plan] of sizes) {
    process.stderr.write(`planner: ${name}, ${pixels} px, plan ${plan}\n`);
    const setting = { model, pixels, threads, steps };
    const { first, step, peak, estimate } = await programRun(setting, plan, alone);
    const off = `${((estimate / peak - 1) * 100).toFixed(1)} %`;
    lines.push([
      `${pixels} px, plan ${plan}`,
      mib(estimate),
      mib(peak),
      off,
      seconds(first),
      seconds(step),
    ]);
  }
  print("");
  const head = [name, "estimate MiB", "peak MiB", "off", "first step s", "step s"];
  table([head, ...lines], right).forEach(print);
}

export interface StepsSetting {
  /** 0: only the planner. */
  readonly rounds: number;
  /** Of each round. */
  readonly steps: number;
  readonly threads: number;
  /** A folder; undefined: random weights of a quarter of SDXL's width. */
  readonly model: string | undefined;
  /** Also one step each of a random float16 SDXL of the real size, at 512 and 1024 px. */
  readonly full: boolean;
}

async function benchIn(
  work: string,
  { rounds, steps, threads, model: given, full }: StepsSetting,
  print: Print,
): Promise<void> {
  const model = given ?? join(work, "quarter");
  if (given === undefined) await makeModel(model, { width: 0.25, dtype: "float32" });
  if (rounds > 0) await race({ model, pixels: 512, threads, steps }, rounds, print);
  const sizes = [256, 512, 768].flatMap((pixels) =>
    ["A", "B", "C"].map((plan) => [pixels, plan] as const)
  );
  await planner("quarter-width, float32", model, sizes, { threads, steps: 4 }, print);
  if (!full) return;
  const real = join(work, "full");
  await makeModel(real, { width: 1, dtype: "float16" });
  const realSizes = [[512, "A"], [512, "B"], [1024, "B"], [1024, "C"]] as const;
  await planner("full SDXL, float16", real, realSizes, { threads, steps: 1 }, print);
}

export async function benchSteps(setting: StepsSetting, print: Print): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "gnomic-bench-model-"));
  try {
    await benchIn(work, setting, print);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
