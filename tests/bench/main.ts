// `deno task bench`: step time, first step and peak memory against the reference trainer, and the memory
// planner against what was measured. Contenders take turns, so that a busy machine slows all of them.
//   deno task bench [--rounds 3] [--steps 8] [--threads N] [--model DIR] [--full]
//   deno task bench --learning      only what is learned in which time, see learning.ts
//   deno task bench --fleet         only what the engine of sweeps costs, see fleet.ts
//   deno task bench --trials        only looking at a sweep of 200 trials, see many-trials.ts
//   deno task bench --log           only looking at two runs of 200 000 steps, see long-log.ts
//   deno task bench --digest        only what the digest in the state costs, see state-digest.ts
//   deno task bench --graph: what the real training graph costs, see graph.ts
// --full also takes one step each of a random float16 SDXL of the real size at 512 and 1024 px: half an
// hour, 7 GB of disk and 12 GB of memory.
// Peers: GNOMIC_REFERENCE_PYTHON, GNOMIC_REFERENCE_CHECKOUT (of invoke-training), GNOMIC_PYTHON (with
// diffusers), GNOMIC_PEERS.
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../cli/table.ts";
import { benchFleet } from "./fleet.ts";
import { benchLearning } from "./learning.ts";
import {
  type Contender,
  contenders,
  learningPeers,
  programRun,
  type Setting,
  type Timing,
} from "./contenders.ts";
import { benchLongLog } from "./long-log.ts";
import { benchManyTrials } from "./many-trials.ts";
import { makeModel } from "./make-model.ts";
import { benchStateDigest } from "./state-digest.ts";
import { median } from "./measured-process.ts";
import { benchLooking } from "./see.ts";
import { type Provider, providers } from "../../engine/device/providers.ts";
import { memoryPlans } from "../../engine/memory/memory-plan.ts";
import { graphTables } from "./graph.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "8" },
    threads: { type: "string", default: `${availableParallelism()}` },
    model: { type: "string" },
    full: { type: "boolean", default: false },
    learning: { type: "boolean", default: false },
    fleet: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
    trials: { type: "boolean", default: false },
    digest: { type: "boolean", default: false },
    graph: { type: "boolean", default: false },
    provider: { type: "string", default: "cuda" },
    plan: { type: "string", default: "A" },
    dtype: { type: "string", default: "float16" },
    pixels: { type: "string", default: "1024" },
  },
});
const print = (line: string) => void process.stdout.write(`${line}\n`);
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

async function race(setting: Setting, rounds: number): Promise<void> {
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
  steps = 4,
) {
  const lines: string[][] = [];
  for (const [pixels, plan] of sizes) {
    process.stderr.write(`planner: ${name}, ${pixels} px, plan ${plan}\n`);
    const setting = { model, pixels, threads: Number(values.threads), steps };
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

/** `value`, if it is one of them. */
function oneOf<T extends string>(option: string, value: string, all: readonly T[]): T {
  const found = all.find((each) => each === value);
  if (found !== undefined) return found;
  process.stderr.write(`--${option}: wanted ${all.join(", ")}, found ${value}\n`);
  process.exit(2);
}

async function benchGraph(): Promise<void> {
  const lines = await graphTables({
    provider: oneOf("provider", values.provider, Object.keys(providers) as Provider[]),
    plan: oneOf("plan", values.plan, memoryPlans),
    compute: oneOf("dtype", values.dtype, ["float16", "float32"]),
    pixels: Number(values.pixels),
    model: values.model,
  });
  lines.forEach(print);
}

async function benchSteps(work: string): Promise<void> {
  const model = values.model ?? join(work, "quarter");
  if (values.model === undefined) await makeModel(model, { width: 0.25, dtype: "float32" });
  const rounds = Number(values.rounds);
  const setting = {
    model,
    pixels: 512,
    threads: Number(values.threads),
    steps: Number(values.steps),
  };
  if (rounds > 0) await race(setting, rounds);
  const sizes = [256, 512, 768].flatMap((pixels) =>
    ["A", "B", "C"].map((plan) => [pixels, plan] as const)
  );
  await planner("quarter-width, float32", model, sizes);
  print("");
  await benchLooking(print);
  print("");
  await benchLongLog(print);
  print("");
  await benchManyTrials(print);
  print("");
  await benchStateDigest(print);
  if (values.full) {
    const full = join(work, "full");
    await makeModel(full, { width: 1, dtype: "float16" });
    await planner(
      "full SDXL, float16",
      full,
      [[512, "A"], [512, "B"], [1024, "B"], [1024, "C"]],
      1,
    );
  }
}

if (values.graph) await benchGraph();
else if (values.fleet) await benchFleet(print);
else if (values.log) await benchLongLog(print);
else if (values.trials) await benchManyTrials(print);
else if (values.digest) await benchStateDigest(print);
else if (values.learning) await benchLearning(learningPeers(), print);
else {
  const work = await mkdtemp(join(tmpdir(), "gnomic-bench-model-"));
  try {
    await benchSteps(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
