// `generate "a photo of bruce at the beach" --embedding bruce.safetensors`: pictures with any embedding.
// The trap: sizes are WIDTHxHEIGHT, as picture tools write them; configurations have height first.
import process from "node:process";
import { Effect } from "effect";
import { providers } from "../config/device.ts";
import { retiredProviders } from "../engine/device/providers.ts";
import { samplers } from "../config/validation.ts";
import { generate } from "../inversion/generate/generate.ts";
import {
  type Drawer,
  drawers,
  type GenerateRequest,
  type Listener,
} from "../inversion/generate/request.ts";
import type { Command, Options, Terminal, UsageFault } from "./command.ts";
import { optionReader } from "./option-reader.ts";
import { progressLine } from "./progress-line.ts";

const outFolder = "output/generated";
const programs = Object.keys(drawers) as Drawer[];

export const generateCommand: Command = {
  usage: "generate <prompt>",
  summary: "Make pictures of a prompt with any embeddings",
  options: [
    [
      "--embedding <file>",
      "An embedding: one file, or diffusers' pair (its folder or a half); may be repeated. " +
      "word=FILE says what the prompt calls it",
    ],
    ["--model <name>", "The model; by default the one that the embedding was trained with"],
    [
      "--model-config <name>",
      "The model that a single file is made for, to take from there what the file lacks",
    ],
    ["--vae <name>", "Another VAE in place of the model's own"],
    ["--negative <text>", "What the pictures should avoid"],
    [
      "--as <program>",
      `Draw as a program would, which take the pooled text at two places: ${
        programs.join(", ")
      }; ` +
      "as the model's config asks for by default",
    ],
    ["--sampler <name>", `One of ${samplers.join(", ")} (ddpm)`],
    ["--steps <n>", "Sampler steps (30)"],
    ["--guidance <x>", "How strongly the prompt is followed; 1 or less turns it off (5)"],
    ["--seed <n>", "The same seed gives the same pictures (0)"],
    ["--count <n>", "How many pictures (1)"],
    ["--size <WxH>", "Width x height in pixels, or one side of a square; as trained by default"],
    ["--out <dir>", `Where the pictures go (${outFolder})`],
    ["--format <name>", "png or jpg (png)"],
    ["--provider <name>", `What computes: one of ${providers.join(", ")} (auto)`],
    ["--device <card>", "Which of several cards: a number or a part of its name (the strongest)"],
    ["--threads <n>", "Threads on the CPU; as many as there are cores by default"],
    ["--json", "Print one JSON value instead of text"],
  ],
  repeatable: ["embedding"],
  examples: [
    'generate "a photo of bruce_the_gnome at the beach" --embedding bruce_the_gnome.safetensors',
    'generate "a my_hat on a my_cat" --embedding my_hat=a.safetensors --embedding my_cat=b/ ' +
    "--sampler dpmpp_2m_karras --steps 20 --count 4 --size 1024x768",
  ],
  run: ([prompt], options, terminal) =>
    Effect.flatMap(
      decodeRequest(prompt, options),
      (request) => answer(request, options.json === true, terminal),
    ),
};

const answer = (request: GenerateRequest, json: boolean, { print }: Terminal) => {
  const { stderr } = process;
  const line = progressLine(stderr);
  const listener: Listener = {
    say: line.say,
    progress: line.update,
    made: ({ path, width, height }) => {
      line.clear();
      if (!json) print(`${path} (${width} x ${height})`);
    },
  };
  return generate(request, listener).pipe(
    Effect.map((pictures) => json ? print(JSON.stringify(pictures)) : undefined),
    Effect.ensuring(Effect.sync(line.clear)),
  );
};

const longestSide = 4096;

/** `768` or `1024x768` (width first) as height and width. */
function sizeOf(text: string): readonly [height: number, width: number] | undefined {
  const sides = /^(\d+)(?:x(\d+))?$/i.exec(text);
  if (sides === null) return undefined;
  const [width, height] = [Number(sides[1]), Number(sides[2] ?? sides[1])];
  return Math.max(width, height) <= longestSide ? [height, width] : undefined;
}

const whole = (least: number, most: number) =>
  [
    (value: number) => Number.isInteger(value) && value >= least && value <= most,
    `a whole number from ${least} to ${most}`,
  ] as const;

/** Fails with everything that is wrong. */
function decodeRequest(
  prompt: string,
  options: Options,
): Effect.Effect<GenerateRequest, UsageFault> {
  const { text, oneOf, number, refuse, end } = optionReader(
    options,
    "generate PROMPT --embedding FILE",
  );
  const size = text("size") === null ? null : sizeOf(text("size")!);
  if (size === undefined) {
    refuse(`--size ${text("size")} (e.g. 1024x768; sides up to ${longestSide})`);
  }
  return end({
    prompt: String(prompt ?? ""),
    negative: text("negative"),
    embeddings: [options.embedding ?? []].flat().map(String),
    model: text("model"),
    modelConfig: text("modelConfig"),
    vae: text("vae"),
    as: oneOf("as", programs, null),
    sampler: oneOf("sampler", samplers, "ddpm"),
    steps: number("steps", 30, ...whole(1, 1000)),
    guidance: number("guidance", 5, (value) => value >= 0 && value < Infinity, "0 or more"),
    seed: number("seed", 0, ...whole(0, Number.MAX_SAFE_INTEGER)),
    size: size ?? null,
    count: number("count", 1, ...whole(1, 10_000)),
    format: oneOf("format", ["png", "jpg"], "png"),
    out: text("out") ?? outFolder,
    provider: oneOf("provider", providers, "auto", retiredProviders),
    device: text("device"),
    threads: number("threads", null, ...whole(1, 1024)),
  });
}
