// Who is timed: the engine alone, the whole program on a user's configuration, the reference trainer in
// its four settings, and the strongest PyTorch loop. Each run is a process of its own.
// The trap: the peers need a Python with the versions that run_reference.py names, and a checkout of
// invoke-training; without them their rows say so.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageFault } from "../../cli/command.ts";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { median, runMeasured } from "./measured-process.ts";

export interface Timing {
  /** Seconds from the process's start to the end of its first step; NaN where nobody says. */
  readonly first: number;
  /** Seconds a step, the median after two. */
  readonly step: number;
  /** Bytes. */
  readonly peak: number;
}

export interface Contender {
  readonly name: string;
  /** Why it cannot run here. */
  readonly skip?: string;
  run(): Promise<Timing>;
}

export interface Setting {
  readonly model: string;
  readonly pixels: number;
  readonly threads: number;
  readonly steps: number;
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const pictures = file("../../sample_data/bruce_the_gnome");
const peers = process.env.GNOMIC_PEERS ?? file("../../../shared/peer");
const checkout = process.env.GNOMIC_REFERENCE_CHECKOUT;
const python = process.env.GNOMIC_REFERENCE_PYTHON;
/** Any diffusers will do for the loop; the reference's torchvision keeps it from starting. */
const peerPython = process.env.GNOMIC_PYTHON;

/** Throws where one of the peers is not there. */
export function learningPeers() {
  const missing = Object.entries({
    GNOMIC_REFERENCE_PYTHON: python,
    GNOMIC_REFERENCE_CHECKOUT: checkout,
    GNOMIC_PYTHON: peerPython,
  }).flatMap(([name, value]) => value === undefined ? [name] : []);
  if (missing.length > 0) {
    throw new UsageFault({
      key: "--learning",
      wanted: "its peers",
      found: `no ${missing.join(", ")}`,
      fix: "`bench --help` says what they are.",
    });
  }
  return { python: python!, checkout: checkout!, peers, diffusers: peerPython! };
}

async function engineRun(
  { model, pixels, threads, steps }: Setting,
  plan: string,
): Promise<Timing> {
  const args = [model, pixels, plan, threads, steps].map(String);
  const { stdout, startedAt } = await runMeasured(
    ...scriptCommand(file("./engine-steps.ts"), ...args),
  );
  const { firstStepAt, seconds, peak } = JSON.parse(stdout.trim().split("\n").at(-1)!);
  const step = median(seconds.length > 2 ? seconds.slice(1) : seconds);
  return { first: (firstStepAt - startedAt) / 1000, step, peak };
}

/** The same for everybody, in the words that the reference and this program share. */
const configuration = ({ model, pixels, steps }: Setting, output: string) => ({
  type: "SDXL_TEXTUAL_INVERSION",
  seed: 1,
  base_output_dir: output,
  optimizer: { optimizer_type: "AdamW", learning_rate: 2e-3 },
  data_loader: {
    type: "TEXTUAL_INVERSION_SD_DATA_LOADER",
    dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: pictures },
    caption_preset: "object",
    resolution: pixels,
    center_crop: true,
  },
  model,
  num_vectors: 4,
  placeholder_token: "bruce_the_gnome",
  initializer_token: "gnome",
  max_train_steps: steps,
  save_every_n_steps: 1000,
  validate_every_n_steps: 1000,
  validation_prompts: [],
  train_batch_size: 1,
});

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface ProgramRun extends Timing {
  /** Bytes that a dry run says it takes. */
  readonly estimate: number;
}

/** The whole program: pictures, captions, latents, steps, the final embedding. */
export const programRun = (
  setting: Setting,
  plan: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ProgramRun> =>
  inFolder(async (folder) => {
    const config = join(folder, "config.yaml");
    const output = join(folder, "output");
    const own = { provider: "cpu", threads: setting.threads, memory_plan: plan, ...more };
    await writeFile(config, JSON.stringify({ ...configuration(setting, output), ...own }));
    const program = file("../../cli/main.ts");
    const run = (...options: readonly string[]) =>
      runMeasured(...scriptCommand(program, "pipeline", "sdxl-ti", "--config", config, ...options));
    const { memory } = JSON.parse((await run("--dry-run", "--json")).stdout);
    const training = memory.rows.find((row: { plan?: string }) => row.plan === plan);
    const estimate = training.peak + (memory.encodeBeside ?? 0);
    const { startedAt, peak } = await run();
    const name = (await readdir(output)).find((each) => each.startsWith("bruce"))!;
    const events = (await readFile(join(output, name, "events.jsonl"), "utf8")).trim().split("\n");
    const ends = events.map((line) => JSON.parse(line)).filter(({ event }) => event === "step");
    const gaps = ends.slice(1).map(({ at }, i) => (at - ends[i].at) / 1000);
    return { first: (ends[0].at - startedAt) / 1000, step: median(gaps.slice(2)), peak, estimate };
  });

const threadsIn = (threads: number) => ({ OMP_NUM_THREADS: `${threads}` });

const referenceRun = (setting: Setting, dtype: string, checkpointing: boolean): Promise<Timing> =>
  inFolder(async (folder) => {
    const config = join(folder, "config.yaml");
    const base = configuration(setting, join(folder, "runs"));
    const dataset = { ...base.data_loader.dataset, keep_in_memory: true };
    await writeFile(
      config,
      JSON.stringify({
        ...base,
        data_loader: { ...base.data_loader, dataset, dataloader_num_workers: 0 },
        weight_dtype: dtype,
        gradient_checkpointing: checkpointing,
        cache_vae_outputs: !checkpointing,
      }),
    );
    const { stdout } = await runMeasured(python!, [join(peers, "run_reference.py"), config], {
      PYTHONPATH: join(checkout!, "src"),
      ...threadsIn(setting.threads),
    });
    const { first_step_s, step_s, peak_rss_mib } = JSON.parse(stdout.trim().split("\n").at(-1)!);
    return { first: first_step_s, step: step_s, peak: peak_rss_mib * 2 ** 20 };
  });

async function bestPytorchRun({ model, pixels, threads, steps }: Setting): Promise<Timing> {
  const args = [join(peers, "best_pytorch.py"), model, "--px", `${pixels}`, "--steps", `${steps}`];
  const { stdout } = await runMeasured(peerPython!, args, threadsIn(threads));
  // The first line is float32's; the second's peak would count the first's memory.
  const { step_s, peak_rss_mib } = JSON.parse(stdout.trim().split("\n")[0]);
  return { first: Number.NaN, step: step_s, peak: peak_rss_mib * 2 ** 20 };
}

const withoutPeers = (): string | undefined =>
  existsSync(join(peers, "best_pytorch.py")) ? undefined : `set GNOMIC_PEERS: nothing in ${peers}`;
const withoutReference = (): string | undefined => {
  if (python === undefined) return "set GNOMIC_REFERENCE_PYTHON to a Python with its packages";
  if (checkout === undefined) return "set GNOMIC_REFERENCE_CHECKOUT to invoke-training";
  return withoutPeers();
};
const withoutLoop = (): string | undefined =>
  peerPython === undefined ? "set GNOMIC_PYTHON to a Python with diffusers" : withoutPeers();

const peer = (name: string, skip: string | undefined, run: () => Promise<Timing>): Contender => ({
  name,
  run,
  ...(skip === undefined ? {} : { skip }),
});

const reference = (setting: Setting, dtype: string, checkpointing: boolean): Contender =>
  peer(
    `reference ${dtype}${checkpointing ? ", checkpointing" : ""}`,
    withoutReference(),
    () => referenceRun(setting, dtype, checkpointing),
  );

/** In the order in which they take turns. */
export const contenders = (setting: Setting): readonly Contender[] => [
  { name: "engine, plan A", run: () => engineRun(setting, "A") },
  reference(setting, "float32", false),
  { name: "engine, plan B", run: () => engineRun(setting, "B") },
  reference(setting, "float32", true),
  { name: "gnomic, plan A", run: () => programRun(setting, "A") },
  reference(setting, "bfloat16", false),
  { name: "gnomic, plan B", run: () => programRun(setting, "B") },
  reference(setting, "bfloat16", true),
  peer("best PyTorch float32", withoutLoop(), () => bestPytorchRun(setting)),
];
