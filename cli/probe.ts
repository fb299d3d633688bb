// `probe`: computes one of everything from given inputs and writes it, so that a card, a driver or a model
// can be compared with another machine's or with PyTorch's values.
// The trap: the CPU is held to tighter tolerances than a card; what a card is compared with should come
// from a CPU.
import process from "node:process";
import { Effect } from "effect";
import { memoryPlans, providers } from "../config/device.ts";
import type { Tensor } from "../engine/device/messages.ts";
import { retiredProviders } from "../engine/device/providers.ts";
import {
  agrees,
  compareOutputs,
  type Comparison,
  defaultTolerance,
} from "../engine/probe/compare.ts";
import { decodeProbeInputs, type ProbeInputs } from "../engine/probe/probe-inputs.ts";
import { probe } from "../engine/probe/probe.ts";
import { readSafetensors, writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { type EngineWork, wishedPlans } from "../inversion/model/engine-work.ts";
import { loadModel } from "../inversion/model/load-model.ts";
import { openEngine } from "../inversion/model/open-engine.ts";
import { asFault } from "../lib/as-fault.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import type { Command, Options, Terminal, UsageFault } from "./command.ts";
import { optionReader } from "./option-reader.ts";
import { table } from "./table.ts";

export const probeCommand: Command = {
  usage: "probe",
  summary: "Compute everything once from given inputs; with --compare, against a reference",
  options: [
    ["--model <path>", "An SDXL model: a diffusers folder, a .safetensors file or a hub id"],
    ["--inputs <file>", "Inputs, named as in tests/golden/README.md; mask and image may be absent"],
    ["--out <file>", "Where the outputs go, float32, named as expected.safetensors there"],
    ["--compare <file>", "Print the relative errors against these; exit 1 if one is too large"],
    [
      "--tolerance <number>",
      "The largest relative error. Default: 1e-5 on the CPU (gradients 2e-5), 1e-3 elsewhere",
    ],
    ["--provider <name>", `One of ${providers.join(", ")}; cpu by default`],
    ["--device <card>", "Which of several cards: a number or a part of its name (the strongest)"],
    ["--threads <count>", "Threads on the CPU; as many as there are cores by default"],
    [
      "--plan <name>",
      "Memory plan A, B or C, as memory_plan in a training; by default the fastest that fits",
    ],
    ["--model-config <folder>", "A diffusers folder with the configs of a single-file model"],
    ["--vae-model <path>", "Another VAE"],
  ],
  sections: [{
    title: "DESCRIPTION",
    paragraphs: [
      "Computes the text encoders, the noisy latents, the prediction, three losses with the gradients " +
      "of the placeholder's rows, and the VAE both ways, in float32. Inputs may be a part: ids1, " +
      "ids2, rows1 and rows2 for the text encoders, with latents, noise, t and time_ids for the " +
      "UNet, with mask for the masked loss; image alone for the VAE.",
    ],
  }, {
    title: "EXIT STATUS",
    paragraphs: [
      "0 computed, and within the tolerance where compared. 1 an error above the tolerance. 2 the " +
      "command, the model or the inputs are to be changed. 3 the device or the disk failed.",
    ],
  }],
  examples: [
    "probe --model tests/golden/a/model --inputs tests/golden/a/inputs.safetensors " +
    "--compare tests/golden/a/expected.safetensors --provider webgpu",
  ],
  run: (_, options, terminal) =>
    Effect.flatMap(decodeOptions(options), (choice) => run(choice, terminal)),
};

interface Choice {
  readonly model: string;
  readonly modelConfig: string | null;
  readonly vaeModel: string | null;
  readonly inputs: string;
  readonly out: string | null;
  readonly compare: string | null;
  readonly tolerance: number | null;
  readonly provider: typeof providers[number];
  readonly device: string | null;
  readonly threads: number | null;
  readonly plan: typeof memoryPlans[number];
}

function decodeOptions(options: Options): Effect.Effect<Choice, UsageFault> {
  const { text, oneOf, number, refuse, end } = optionReader(
    options,
    "probe --model DIR --inputs FILE --out FILE",
  );
  const needed = (key: string) => {
    if (text(key) === null) refuse(`no --${key}`);
    return text(key) ?? "";
  };
  const choice: Choice = {
    model: needed("model"),
    modelConfig: text("modelConfig"),
    vaeModel: text("vaeModel"),
    inputs: needed("inputs"),
    out: text("out"),
    compare: text("compare"),
    tolerance: number(
      "tolerance",
      null,
      (value) => value >= 0 && value < Infinity,
      "a number from 0 on",
    ),
    provider: oneOf("provider", providers, "cpu", retiredProviders),
    device: text("device"),
    threads: number(
      "threads",
      null,
      (value) => Number.isInteger(value) && value > 0,
      "1 or more",
    ),
    plan: oneOf("plan", memoryPlans, "auto"),
  };
  if (choice.out === null && choice.compare === null) refuse("neither --out nor --compare");
  return end(choice);
}

const progress = () => Effect.void;

const run = (choice: Choice, { print }: Terminal): Effect.Effect<void, Fault> =>
  Effect.scoped(Effect.gen(function* () {
    const stored = yield* tryPromise(() => readSafetensors(choice.inputs));
    const { compare } = choice;
    const reference = compare === null ? null : yield* tryPromise(() => readSafetensors(compare));
    const model = yield* loadModel({
      model: choice.model,
      model_config: choice.modelConfig,
      vae_model: choice.vaeModel,
      hf_variant: null,
      hf_revision: null,
    }, { offline: false, progress });
    const inputs = yield* Effect.try({
      try: () => decodeProbeInputs(stored, model, choice.inputs),
      catch: asFault,
    });
    const engine = yield* openEngine(model, {
      provider: choice.provider,
      device: choice.device,
      threads: choice.threads,
      weight_dtype: "float32",
      work: probeWork(inputs, choice.plan),
    }, {
      progress,
      emit: (event) => Effect.sync(() => event.event === "note" && print(String(event.text))),
    });
    const outputs = yield* tryPromise(() => probe(engine, inputs));
    const { provider } = engine.device;

    if (choice.out !== null) {
      const { out } = choice;
      yield* tryPromise(() => writeSafetensors(out, asStored(outputs)));
      print(`${out}: ${outputs.size} tensors, computed on ${provider}`);
    }
    if (compare === null || reference === null) return;
    const toleranceOf = choice.tolerance === null
      ? defaultTolerance(provider)
      : () => choice.tolerance ?? 0;
    const lines = yield* Effect.try({
      try: () => compareOutputs(outputs, reference, toleranceOf, compare),
      catch: asFault,
    });
    for (const line of comparisonTable(lines)) print(line);
    if (!agrees(lines)) process.exitCode = 1;
  }));

/** Without latents nothing is trained. */
function probeWork({ denoising, image }: ProbeInputs, plan: Choice["plan"]): EngineWork {
  const [batch, , height, width] = denoising?.latents.dims ?? image?.dims ?? [1, 0, 8, 8];
  const wished = wishedPlans({ memory_plan: plan, gradient_checkpointing: false });
  const plans = denoising === null ? [] : wished;
  return { plans, sizes: [{ height, width }], batch };
}

const asStored = (outputs: ReadonlyMap<string, Tensor>) =>
  new Map([...outputs].map(([name, { dims, data }]) => [
    name,
    { dtype: "F32" as const, shape: dims, data },
  ]));

const comparisonTable = (lines: readonly Comparison[]): readonly string[] =>
  table([
    ["tensor", "shape", "relative error", "allowed", "verdict"],
    ...lines.map(({ name, shape, error, tolerance, outcome }) => [
      name,
      shape.length === 0 ? "scalar" : shape.join("x"),
      error === undefined ? "" : error.toExponential(1),
      tolerance.toExponential(0),
      outcome,
    ]),
  ], new Set([2, 3]));
