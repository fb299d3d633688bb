// `deno task bench`: speed and memory. By itself everything but what takes long; an option names one part.
// `--help` lists them.
import { availableParallelism } from "node:os";
import process from "node:process";
import { Effect } from "effect";
import type { Command } from "../../cli/command.ts";
import { readCommandLine } from "../../cli/command-line.ts";
import { helpText } from "../../cli/help.ts";
import { optionReader } from "../../cli/option-reader.ts";
import { printFault } from "../../cli/print-fault.ts";
import { providerNames } from "../../engine/device/providers.ts";
import { memoryPlans } from "../../engine/memory/memory-plan.ts";
import { asFault } from "../../lib/as-fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import { exitCodeOf } from "../../runtime/execute/outcome.ts";
import { learningPeers } from "./contenders.ts";
import { benchFleet } from "./fleet.ts";
import { graphTables } from "./graph.ts";
import { benchLearning } from "./learning.ts";
import { benchLongLog } from "./long-log.ts";
import { benchManyTrials } from "./many-trials.ts";
import { benchLooking } from "./see.ts";
import { benchStateDigest } from "./state-digest.ts";
import { benchSteps } from "./steps.ts";

const print = (line: string) => void process.stdout.write(`${line}\n`);

const command: Command = {
  usage: "bench",
  summary: "Measure speed and memory; an option names one part",
  options: [
    ["--rounds <n>", "How often the contenders take turns; 0: only the memory planner (3)"],
    ["--steps <n>", "Steps of a round (8)"],
    ["--threads <n>", "Threads on the CPU; as many as there are cores by default"],
    ["--model <dir>", "A model in place of random weights (with --graph: of SDXL base's shapes)"],
    [
      "--full",
      "Also one step each of a random float16 SDXL of the real size at 512 and 1024 px: half an hour, 7 GB " +
      "of disk and 12 GB of memory",
    ],
    ["--learning", "Only what is learned in which time, beside the reference trainer"],
    ["--fleet", "Only what the engine of sweeps costs"],
    ["--trials", "Only looking at a sweep of 200 trials"],
    ["--log", "Only looking at two runs of 200 000 steps"],
    ["--digest", "Only what the digest in the state costs"],
    ["--graph", "Only what the real training graph costs"],
    ["--provider <name>", "graph: lowered for this one (cuda)"],
    ["--plan <name>", `graph: one of ${memoryPlans.join(", ")} (A)`],
    ["--dtype <name>", "graph: float16 or float32 (float16)"],
    ["--pixels <n>", "graph: side of the square (1024)"],
  ],
  sections: [{
    title: "ENVIRONMENT",
    paragraphs: [
      "GNOMIC_REFERENCE_PYTHON and GNOMIC_REFERENCE_CHECKOUT (of invoke-training), GNOMIC_PYTHON " +
      "(with diffusers) and GNOMIC_PEERS are who it is compared with. Who is not there is left out; " +
      "--learning wants all.",
    ],
  }],
  examples: ["bench --rounds 1 --steps 6", "bench --graph --provider webgpu --plan C"],
  run: (_args, options) => {
    const { text, oneOf, number, end } = optionReader(options, "bench");
    const count = (value: number) => Number.isInteger(value) && value >= 0;
    const whole = (key: string, otherwise: number) =>
      number(key, otherwise, count, "a whole number");
    const model = text("model") ?? undefined;
    const steps = {
      rounds: whole("rounds", 3),
      steps: whole("steps", 8),
      threads: whole("threads", availableParallelism()),
      model,
      full: options.full === true,
    };
    const graph = {
      provider: oneOf("provider", providerNames, "cuda"),
      plan: oneOf("plan", memoryPlans, "A"),
      compute: oneOf("dtype", ["float16", "float32"], "float16"),
      pixels: whole("pixels", 1024),
      model,
    };
    const parts: Readonly<Record<string, () => Promise<void>>> = {
      graph: async () => (await graphTables(graph)).forEach(print),
      fleet: () => benchFleet(print),
      log: () => benchLongLog(print),
      trials: () => benchManyTrials(print),
      digest: () => benchStateDigest(print),
      learning: () => benchLearning(learningPeers(), print),
    };
    const all = async () => {
      await benchSteps(steps, print);
      for (const part of [() => benchLooking(print), parts.log, parts.trials, parts.digest]) {
        print("");
        await part();
      }
    };
    const part = Object.keys(parts).find((name) => options[name] === true);
    return Effect.flatMap(
      end(part === undefined ? all : parts[part]),
      (work) => tryPromise(work),
    );
  },
};

const words = process.argv.slice(2);
if (words.includes("--help")) helpText("deno task", command).forEach(print);
else {
  try {
    const { args, options } = readCommandLine(command, words);
    await Effect.runPromise(command.run(args, options, { print }));
  } catch (error) {
    const fault = asFault(error);
    printFault(fault, words);
    process.exitCode = exitCodeOf(fault);
  }
}
