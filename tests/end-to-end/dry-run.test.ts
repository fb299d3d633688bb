// `--dry-run` says for each stage why it will run or why not, and touches nothing: no file, no network.
// The reference's two sample files are read as they are.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { filesBelow, gnomic, look, refusalOf, root, smallTraining, trainingIn } from "./project.ts";

const folder = mkdtempSync(join(tmpdir(), "gnomic-dry-run-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const pictures = join(folder, "pictures");
const output = join(folder, "output");
const command = trainingIn(folder, {
  data_loader: {
    ...smallTraining.data_loader,
    dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: pictures },
  },
});

async function run(...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await gnomic([...command, ...more]);
  assert.equal(code, 0, stdout + stderr);
  return stdout + stderr;
}

async function dryRun(...more: string[]): Promise<string> {
  const { text, fault } = await look([...command, "--dry-run", ...more]);
  assert.equal(fault, null);
  return text;
}

/** Each stage's line of the plan. */
async function plan(...more: string[]): Promise<Readonly<Record<string, string>>> {
  const lines = (await dryRun(...more)).split("\n");
  return Object.fromEntries(lines.flatMap((line) => {
    const found = /^ {2}([a-z-]+) +(.*)$/.exec(line);
    return found === null ? [] : [[found[1], found[2]]];
  }));
}

const upToLatents = ["--until", "encode-latents"];

before(async () => {
  cpSync(join(root, "sample_data/tiny-bruce/train"), pictures, { recursive: true });
  await run(...upToLatents);
  await run("--until", "tokenise");
});

test("what is in the store is cached; a training that never began is new", async () => {
  const stages = await plan();
  for (const id of ["ingest", "caption", "tokenise", "encode-latents"]) {
    assert.match(stages[id], /^cached/, id);
  }
  for (const id of ["optimise-embeddings", "validate", "checkpoint"]) {
    assert.match(stages[id], /^runs +new/, id);
  }
});

test("another option: its key, from what to what, and only where it matters", async () => {
  const captions = await plan("--set", "data_loader.caption_preset=style");
  assert.match(captions.caption, /runs .*data_loader\.caption_preset: "object" -> "style"/);
  assert.match(captions.tokenise, /runs .*upstream runs \(caption\)/);
  assert.match(captions["encode-latents"], /^cached/);

  const sizes = await plan("--set", "data_loader.resolution=72");
  assert.match(sizes.ingest, /runs .*data_loader\.resolution: 64 -> 72/);
  assert.match(sizes["encode-latents"], /runs .*upstream runs \(ingest\)/);
});

test("another picture: what is made anew of it", async () => {
  const added = join(pictures, "005.jpg");
  cpSync(join(pictures, "001.jpg"), added);
  const stages = await plan();
  rmSync(added);
  assert.match(stages.ingest, /runs +source changed \(1 more\)$/m);
  assert.match(stages["encode-latents"], /runs .*upstream runs \(ingest\)/);
  assert.match((await plan()).ingest, /^cached/);
});

test("what of the folder is not used is said again where the pictures are in the store", async () => {
  const added = join(pictures, "scan.bmp");
  writeFileSync(added, "x");
  const said = /^Not used of .*: scan\.bmp\./m;
  const planned = await dryRun();
  const worked = await run(...upToLatents);
  rmSync(added);
  assert.match(planned, said);
  assert.match(planned, /^ {2}ingest +cached/m);
  assert.match(worked, /Not used of .*: scan\.bmp\./);
  assert.doesNotMatch(await dryRun(), said);
});

test("a selector forces; an unknown stage is named with the nearest", async () => {
  assert.match((await plan("--from", "caption", "--until", "tokenise")).caption, /runs .*forced/);
  const until = [...command, "--dry-run", "--until", "encode-latent"];
  assert.match(await refusalOf(until), /encode-latents/);
});

test("a latent that was damaged on disk is found, and made again", async () => {
  const store = join(output, ".gnomic-store", "blobs");
  const posterior = 2 * 4 * 8 * 8 * 4; // mean and log-variance, 4 channels of 8 x 8, float32
  const damaged = filesBelow(store).map((path) => join(store, path))
    .find((path) => statSync(path).size === posterior)!;
  const sound = readFileSync(damaged);
  writeFileSync(damaged, sound.map((byte, i) => i === 100 ? byte ^ 1 : byte));

  const stages = await plan();
  assert.match(stages["encode-latents"], /runs .*corrupt/);
  assert.match(stages.ingest, /^cached/);
  assert.match(await run(...upToLatents), /corrupt/);
  assert.deepEqual(readFileSync(damaged), sound);
  assert.match((await plan())["encode-latents"], /^cached/);
});

test("a dry run writes nothing", async () => {
  const state = () =>
    filesBelow(folder).map((path) => [path, statSync(join(folder, path)).mtimeMs] as const);
  const before = state();
  await plan();
  await plan("--set", "num_vectors=3");
  assert.deepEqual(state(), before);
});

for (
  const name of ["sdxl_textual_inversion_gnome_1x24gb", "sdxl_textual_inversion_masks_gnome_1x24gb"]
) {
  test(`the reference's ${name}.yaml runs unchanged`, async () => {
    const file = `tests/reference/${name}.yaml`;
    const cache = {
      HF_HOME: join(folder, "empty-cache"),
      HF_HUB_CACHE: join(folder, "empty-cache"),
    };
    const words = [
      "pipeline",
      "sdxl-ti",
      "--config",
      file,
      "--output",
      join(folder, name),
      "--dry-run",
    ];
    const { code, stdout, stderr } = await gnomic(words, { env: cache });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /not downloaded \(.*stable-diffusion-xl-base-1\.0/);
    assert.match(stdout, /^ {2}ingest +runs +new$/m);
  });
}

test("a training in epochs: its steps are those of the pictures that there are", async () => {
  const epochs = ["--set", "max_train_epochs=5", "--set", "train_batch_size=3"];
  const text = await dryRun("--provider", "cuda", "--device-memory", "12", ...epochs);
  assert.match(text, /time, estimated from data sheets +plan +a step +10 steps/);
});

test("a card that is not here: its memory, and what a step and the training would take on it", async () => {
  const text = await dryRun("--provider", "cuda", "--device-memory", "12");
  assert.match(
    text,
    /memory plan A: about [\d.]+ GiB on cuda, pictures are encoded before it; 12\.0 GiB free/,
  );
  assert.match(text, /training, plan A .* taken/);
  assert.match(text, /time, estimated from data sheets +plan +a step +\d+ steps/);
  assert.match(text, /RTX 3060 +A +[\d.]+ s +[\d.]+ s/);
  assert.doesNotMatch(text, /RTX 4090|Not on this machine/);
  const small = await dryRun("--set", "provider=cuda", "--device-memory", "0.1");
  assert.match(small, /training, plan C .* does not fit/);
  assert.match(small, /Not on this machine: .*0\.1 GiB/);
  const card = ["--set", "provider=webgpu", "--set", "device=RTX 4090"];
  const named = await dryRun(...card, "--device-memory", "20");
  assert.match(named, /RTX 4090 +A/);
  const json = JSON.parse(
    await run("--dry-run", "--json", "--provider", "cuda", "--device-memory", "12"),
  );
  assert.equal(json.memory.available, 12 * 2 ** 30);
  assert.equal(json.time.measured, false);
});

test("--device-memory asks for a dry run, a provider and a number; a name, for a card that is known", async () => {
  for (
    const [more, why] of [
      [["--provider", "cuda", "--device-memory", "12"], /--device-memory: .*no --dry-run/],
      [["--dry-run", "--device-memory", "12", "--provider", "auto"], /found provider: auto/],
      [["--dry-run", "--device-memory", "much", "--provider", "cuda"], /found much/],
      [
        ["--dry-run", "--provider", "dml", "--set", "device=RTX 9999"],
        /device: .*found RTX 9999\. Say its memory .* RTX 3060/,
      ],
    ] as const
  ) {
    assert.match(await refusalOf([...command, ...more]), why);
  }
});

test("two providers are no provider, however they are written", async () => {
  for (
    const [more, why] of [
      [["--provider", "cuda", "--provider", "cpu"], /this option once, found cuda and cpu/],
      [["--provider", "cuda,cpu"], /one of auto, cuda, webgpu, dml, cpu, found "cuda,cpu"/],
      [["--set", "provider=[cuda,cpu]"], /one of auto, .*found \["cuda","cpu"\]/],
    ] as const
  ) {
    assert.match(await refusalOf([...command, "--dry-run", ...more]), why);
  }
});
