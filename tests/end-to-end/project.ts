// The program as a user starts it: a process of its own, from the project's folder, with a training so
// small that it takes seconds (golden case b's random model, 64 px, two pictures a step).
// The trap: `threads: 1`, since small models are slowed down by more when others compute too.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import type { Command } from "../../cli/command.ts";
import { readCommandLine } from "../../cli/command-line.ts";
import { pipelineCommand } from "../../cli/pipeline.ts";
import { sweepCommand } from "../../cli/sweep.ts";
import { asFault } from "../../lib/as-fault.ts";
import type { Fault } from "../../lib/fault.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { RunEvent } from "../../inversion/events.ts";
import { type Child, startChild } from "../../runtime/testing/child.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const program = join(root, "runtime", "cli", "main.ts");

interface RunContext {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the program with these arguments under the runtime of the test. */
export const start = (args: readonly string[], { cwd = root, env }: RunContext = {}): Child =>
  startChild(program, args, { cwd, ...(env === undefined ? {} : { env }) });

/** Runs it to its end. */
export const gnomic = (args: readonly string[], context?: RunContext) => start(args, context).ended;

const commands: Readonly<Record<string, Command>> = {
  pipeline: pipelineCommand,
  sweep: sweepCommand,
};

/**
 * A command in the process of the test, which saves what a start takes: for what only looks, and says what it
 * found. The lines that it prints, and the fault that it ends with.
 */
export const look = ([name, ...words]: readonly string[]): Promise<
  { readonly text: string; readonly fault: Fault | null }
> => {
  let text = "";
  const print = (line: string) => void (text += `${line}\n`);
  const ran = Effect.try({ try: () => readCommandLine(commands[name], words), catch: asFault })
    .pipe(Effect.flatMap(({ args, options }) => commands[name].run(args, options, { print })));
  return Effect.runPromise(Effect.match(ran, {
    onSuccess: () => ({ text, fault: null }),
    onFailure: (fault) => ({ text, fault }),
  }));
};

/** What a command says that refuses what it was given; it must be the user's to change. */
export async function refusalOf(words: readonly string[]): Promise<string> {
  const { text, fault } = await look(words);
  assert.equal(fault?.kind, "user", text + fault?.message);
  return fault!.message;
}

/** A training's configuration: 7 steps, 2 an epoch, saved at 3, 6 and 7, validated at 0, 4 and 7. */
export const smallTraining = {
  type: "SDXL_TEXTUAL_INVERSION",
  seed: 3,
  base_output_dir: "output",
  model: "tests/golden/b/model",
  provider: "cpu",
  threads: 1,
  weight_dtype: "float32",
  placeholder_token: "bruce_the_gnome",
  initializer_token: "gnome",
  num_vectors: 2,
  data_loader: {
    dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: "sample_data/tiny-bruce/train" },
    caption_preset: "object",
    resolution: 64,
  },
  optimizer: { optimizer_type: "AdamW", learning_rate: 1e-2 },
  train_batch_size: 2,
  max_train_steps: 7,
  fixed_loss_every: 2,
  save_every_n_steps: 3,
  validate_every_n_steps: 4,
  validation_prompts: ["a photo of bruce_the_gnome", "bruce_the_gnome in the snow"],
  validation_steps: 2,
  num_validation_images_per_prompt: 1,
};

/** Writes a configuration (JSON is YAML) and gives the command line that trains with it. */
export function trainingIn(folder: string, over: object = {}): readonly string[] {
  const file = join(folder, "training.yaml");
  writeFileSync(file, JSON.stringify({ ...smallTraining, ...over }));
  return ["pipeline", "sdxl-ti", "--config", file, "--output", join(folder, "output")];
}

/** The folder of the only run in `folder`/output; null: there is none yet. */
export function findRun(folder: string): string | null {
  const base = join(folder, "output");
  const runs = existsSync(base)
    ? readdirSync(base).filter((name) => existsSync(join(base, name, "run.json")))
    : [];
  if (runs.length > 1) throw new Error(`${runs.length} runs in ${base}`);
  return runs.length === 0 ? null : join(base, runs[0]);
}

/** The same, where there must be one. */
export function runIn(folder: string): string {
  const run = findRun(folder);
  if (run === null) throw new Error(`no run in ${folder}`);
  return run;
}

/**
 * A training that is frozen between its first step and its last but one, so that commands find it at work; SIGCONT
 * lets it go on. One that was faster than this process is done again.
 */
export async function frozenTraining(command: readonly string[], folder: string): Promise<Child> {
  for (let tries = 0; tries < 10; tries++) {
    const child = start([...command, "--json"]);
    await child.line('"event":"step"');
    // Deno's `child.kill` takes a process that got SIGSTOP for dead.
    const signal = (name: NodeJS.Signals) => {
      try {
        process.kill(child.process.pid!, name);
      } catch {
        // It has ended.
      }
    };
    signal("SIGSTOP");
    if (stepsOf(runIn(folder)).length < smallTraining.max_train_steps - 1) return child;
    signal("SIGCONT");
    await child.ended;
    rmSync(join(folder, "output"), { recursive: true });
  }
  throw new Error("ten trainings were too fast to be frozen");
}

/** What the run has said so far. */
export const eventsOf = (runDir: string): readonly RunEvent[] => {
  const file = join(runDir, "events.jsonl");
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  return lines.map((line) => JSON.parse(line) as RunEvent);
};

export const stepsOf = (runDir: string): readonly number[] =>
  eventsOf(runDir).flatMap((event) => event.event === "step" ? [event.step] : []);

/** Paths below a folder, with forward slashes. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();

/** The results of a run, by path: embeddings and validation pictures. */
export const resultsOf = (runDir: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    filesBelow(runDir)
      .filter((path) => /\.safetensors$|^validation\/epoch.*\.jpg$/.test(path))
      .filter((path) => path !== "state.safetensors")
      .map((path) => [path, sha256(readFileSync(join(runDir, path)))]),
  );
