// `pipeline <name>`: its options and what its --help says of them. What it does is in pipeline-actions.ts, which
// loads most of the program and is loaded only when it is called.
import { Effect } from "effect";
import { providerNames } from "../engine/device/providers.ts";
import { tryPromise } from "../lib/try-promise.ts";
import type { Command } from "./command.ts";

export const pipelineCommand: Command = {
  usage: "pipeline <name>",
  summary: "Run a pipeline: from pictures to an embedding; after any end, go on",
  options: [
    ["--config <file>", "Options from a YAML file, over those before it; may be repeated"],
    [
      "--set <key=value>",
      "One option, e.g. optimizer.learning_rate=1e-3; nothing behind = is its default; may be repeated",
    ],
    ["--output <dir>", "The folder of runs, over base_output_dir"],
    ["--seed <number>", "The seed of all randomness"],
    ["--provider <name>", `What computes: ${["auto", ...providerNames].join(", ")}`],
    ["--from-file <file>", "The settings that an embedding file carries; it asks for places"],
    ["--dry-run", "Say what would be done and why; no network is used and no run is made"],
    [
      "--device-memory <gib>",
      "With --dry-run and --provider: plan for a card of so many GiB that need not be here",
    ],
    ["--explain [option]", "Say what an option means, or list them all"],
    [
      "--from <stage>",
      "Run this stage and those below it; the others must be in the store; may be repeated",
    ],
    ["--until <stage>", "Run up to this stage; may be repeated"],
    ["--to-step <n>", "Train up to this step and pause: the schedule stays as it is"],
    ["--only <stage>", "Run this stage alone; what it reads must be in the store; may be repeated"],
    ["--force", "Make results again that are in the store; a training goes on from its state"],
    ["--no-cache", "Neither take results from the store nor keep them there"],
    ["--resume <run>", "Go on with this run, although the configuration differs from its own"],
    ["--extend", "Train a run further whose length matters, with its old rate schedule"],
    ["--monitor", "Serve a live page of the run meanwhile"],
    ["--quiet", "Only warnings, and how it ended"],
    ["--json", "Events on standard output, one JSON object a line, and nothing else"],
    ["--while-stdin", "End when standard input closes: for a program that starts this one"],
  ],
  repeatable: ["config", "set", "from", "until", "only"],
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
    "pipeline sdxl-ti --config my-gnome.yaml --dry-run --provider cuda --device-memory 12",
    "pipeline sdxl-ti --config config/presets/gnome-24gb.yaml --set num_vectors=8",
    "pipeline sdxl-ti --explain data_loader.resolution",
  ],
  run: (...called) =>
    Effect.flatMap(
      tryPromise(() => import("./pipeline-actions.ts")),
      ({ doPipeline }) => doPipeline(...called),
    ),
};
