// `deno task bench --learning`: the sample learned by the reference trainer and by gnomic, in turns, seeds
// 1 to 3, and what each file is worth by measure M (tests/peers/measure_m.py). The reference has its settings
// of 500 steps of 4, cached latents and a checkpoint each 50, and is given its best one under M itself.
// The trap: the reference turns no photo upright, so it gets the pictures already turned.
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { table } from "../../cli/table.ts";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { median, runMeasured } from "./measured-process.ts";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const sample = file("../../sample_data");
const seeds = [1, 2, 3];
const rules = ["placeholder", "end_token"] as const;
type Errors = Readonly<Record<(typeof rules)[number], readonly number[]>>;

interface Learned {
  /** Those of the reference in the order of their steps; of gnomic the final file. */
  readonly files: readonly string[];
  /** From the process's start to each file, in seconds. */
  readonly seconds: readonly number[];
}

async function uprightPictures(folder: string): Promise<string> {
  const from = join(sample, "tiny-bruce/train");
  const to = join(folder, "upright");
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (!/\.(jpe?g|png)$/i.test(name)) continue;
    await sharp(join(from, name)).rotate().png().toFile(join(to, `${name}.png`));
  }
  return to;
}

const files = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => join(folder, name));

const written = async (path: string): Promise<number> => (await stat(path)).mtimeMs;

async function byReference(
  { python, checkout, peers, pictures, folder, seed }: Peers & {
    readonly pictures: string;
    readonly folder: string;
    readonly seed: number;
  },
): Promise<Learned> {
  const output = join(folder, `reference-${seed}`);
  const config = `${output}.json`;
  await writeFile(
    config,
    JSON.stringify({
      type: "SDXL_TEXTUAL_INVERSION",
      seed,
      base_output_dir: output,
      optimizer: { optimizer_type: "AdamW", learning_rate: 1e-2 },
      lr_scheduler: "cosine",
      data_loader: {
        type: "TEXTUAL_INVERSION_SD_DATA_LOADER",
        dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: pictures, keep_in_memory: true },
        caption_preset: "object",
        resolution: 128,
        center_crop: true,
        dataloader_num_workers: 0,
      },
      model: join(sample, "tiny-sdxl"),
      num_vectors: 4,
      placeholder_token: "bruce_the_gnome",
      initializer_token: "gnome",
      weight_dtype: "float32",
      cache_vae_outputs: true,
      train_batch_size: 4,
      max_train_steps: 500,
      save_every_n_steps: 50,
      validate_every_n_steps: 10_000,
      validation_prompts: [],
    }),
  );
  const { startedAt } = await runMeasured(python, [join(peers, "run_reference.py"), config], {
    PYTHONPATH: join(checkout, "src"),
  });
  const step = (path: string) => Number(/step[_-]0*(\d+)/.exec(basename(path))?.[1]);
  const checkpoints = [...await files(output)].sort((a, b) => step(a) - step(b));
  const at = await Promise.all(checkpoints.map(written));
  return { files: checkpoints, seconds: at.map((time) => (time - startedAt) / 1000) };
}

async function byGnomic(folder: string, seed: number): Promise<Learned> {
  const output = join(folder, `gnomic-${seed}`);
  const { startedAt } = await runMeasured(...scriptCommand(
    file("../../cli/main.ts"),
    "pipeline",
    "sdxl-ti",
    ...["--set", `seed=${seed}`, "--set", `base_output_dir=${output}`],
  ));
  const final = (await files(output)).find((path) => /bruce_the_gnome\.safetensors$/.test(path))!;
  return { files: [final], seconds: [(await written(final) - startedAt) / 1000] };
}

export interface Peers {
  /** With the reference's packages. */
  readonly python: string;
  readonly checkout: string;
  /** The folder of run_reference.py. */
  readonly peers: string;
  /** With diffusers, for measure M. */
  readonly diffusers: string;
}

/** Measure M's values of each file, in the order of `paths`. */
async function measured(diffusers: string, paths: readonly string[]): Promise<readonly Errors[]> {
  const args = [file("../peers/measure_m.py"), "--values", ...paths];
  const { stdout } = await runMeasured(diffusers, args);
  return (JSON.parse(stdout) as readonly { readonly values: Errors }[]).map(({ values }) => values);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

/** The mean of differences and its standard error. */
function meanAndError(differences: readonly number[]): readonly [number, number] {
  const middle = mean(differences);
  const squares = differences.reduce((sum, each) => sum + (each - middle) ** 2, 0);
  return [middle, Math.sqrt(squares / (differences.length - 1) / differences.length)];
}

const five = (value: number) => value.toFixed(5);

/** Trains, measures and prints; a quarter of an hour on two cores. */
export async function benchLearning(peers: Peers, print: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-learning-"));
  try {
    const pictures = await uprightPictures(folder);
    const rows: string[][] = [];
    const differences: Record<string, number[]> = { placeholder: [], end_token: [] };
    const ratios: number[] = [];
    for (const seed of seeds) {
      process.stderr.write(`seed ${seed}: reference, gnomic\n`);
      const theirs = await byReference({ ...peers, pictures, folder, seed });
      const ours = await byGnomic(folder, seed);
      const errors = await measured(peers.diffusers, [...ours.files, ...theirs.files]);
      const [own, ...theirErrors] = errors.map((each) => rules.map((rule) => mean(each[rule])));
      // Each rule has a best of its own, the reference's favour; its time is that of its own rule's.
      const best = rules.map((_, r) =>
        theirErrors.reduce((least, each, i) => each[r] < theirErrors[least][r] ? i : least, 0)
      );
      rules.forEach((rule, r) => differences[rule].push(own[r] - theirErrors[best[r]][r]));
      ratios.push(ours.seconds[0] / theirs.seconds[best[0]]);
      rows.push([
        `${seed}`,
        ...rules.map((_, r) => five(theirErrors[best[r]][r])),
        basename(theirs.files[best[0]], ".safetensors").replace(/^.*step/, "step"),
        theirs.seconds[best[0]].toFixed(1),
        ...rules.map((_, r) => five(own[r])),
        ours.seconds[0].toFixed(1),
        ratios.at(-1)!.toFixed(2),
      ]);
    }
    const head = [
      "seed",
      "reference, placeholder",
      "end token",
      "best at",
      "s",
      "gnomic, placeholder",
      "end token",
      "s",
      "time",
    ];
    table([head, ...rows], new Set([1, 2, 4, 5, 6, 7, 8])).forEach(print);
    for (const rule of rules) {
      const [middle, error] = meanAndError(differences[rule]);
      const most = Math.max(3e-4, 2 * error);
      print(
        `gnomic minus reference, ${rule}: ${five(middle)} +- ${five(error)} ` +
          `(at most ${five(most)}: ${middle <= most ? "ok" : "ABOVE"})`,
      );
    }
    const within = median(ratios) <= 0.4 ? "ok" : "ABOVE";
    print(`time to that file, median: ${median(ratios).toFixed(2)} (at most 0.40: ${within})`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
