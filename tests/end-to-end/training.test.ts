// One small training through the program, and everything that it leaves behind: names as the
// reference's, tensors as clients load them, events once each, and nothing to do the second time. The same
// trained in two parts, and out of the embedding alone.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import {
  eventsOf,
  filesBelow,
  gnomic,
  resultsOf,
  root,
  runIn,
  smallTraining,
  trainingIn,
} from "./project.ts";

const folder = mkdtempSync(join(tmpdir(), "gnomic-training-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const command = trainingIn(folder);
let run: string;
before(async () => {
  const { code, stdout, stderr } = await gnomic(command);
  assert.equal(code, 0, stdout + stderr);
  run = runIn(folder);
});

interface Stored {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, { dtype: string; shape: readonly number[] }>>;
  readonly values: Float32Array;
}

/** The format by hand: 8 bytes of length, a JSON header, the values. */
function stored(path: string): Stored {
  const bytes = readFileSync(join(run, path));
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString("utf8", 8, end));
  return {
    metadata,
    tensors,
    values: new Float32Array(Uint8Array.from(bytes.subarray(end)).buffer),
  };
}

// As the reference counts and names them: 7 steps of 2 pictures out of 4, so an epoch has two steps.
const checkpoints = [
  "checkpoints/checkpoint-epoch_00000001-step_00000003.safetensors",
  "checkpoints/checkpoint-epoch_00000003-step_00000006.safetensors",
  "checkpoints/checkpoint-epoch_00000003-step_00000007.safetensors",
];
const final = "bruce_the_gnome.safetensors";
const best = "bruce_the_gnome-best.safetensors";

test("the files are there, by the reference's names", () => {
  const files = filesBelow(run);
  assert.match(basename(run), /^bruce_the_gnome-[0-9a-f]{8}$/);
  assert.deepEqual(files.filter((path) => /^checkpoints.*\.safetensors$/.test(path)), checkpoints);
  assert.deepEqual(
    files.filter((path) => /^validation\/.*\d\.jpg$/.test(path)),
    ["00000000-step_00000000", "00000002-step_00000004", "00000003-step_00000007"].flatMap((at) => [
      `validation/epoch_${at}/prompt_0000/0000.jpg`,
      `validation/epoch_${at}/prompt_0001/0000.jpg`,
    ]),
  );
  for (const path of [final, best, "report.html", "run.json", "validation/sheet.jpg"]) {
    assert.ok(files.includes(path), `${path} among ${files.join(" ")}`);
  }
  assert.ok(files.some((path) => path.startsWith("tensorboard/events.out.tfevents.")));
});

test("embeddings hold clip_l and clip_g in float32, and say what they are", () => {
  for (const path of [...checkpoints, final, best]) {
    const { tensors, metadata, values } = stored(path);
    assert.deepEqual(
      Object.entries(tensors).map(([name, { dtype, shape }]) => [name, dtype, shape]).sort(),
      [["clip_g", "F32", [2, 40]], ["clip_l", "F32", [2, 24]]],
    );
    assert.equal(values.length, 2 * 40 + 2 * 24);
    assert.ok(values.every(Number.isFinite));
    assert.equal(metadata["gnomic.trigger"], "bruce_the_gnome");
    assert.equal(metadata["gnomic.vectors"], "2");
    assert.equal(metadata["gnomic.base_model"], "model");
    assert.equal(JSON.parse(metadata["gnomic.configuration"]).optimizer.learning_rate, 1e-2);
  }
  assert.deepEqual(
    checkpoints.map((path) => [stored(path).metadata["gnomic.step"], stored(path).values.length]),
    [["3", 128], ["6", 128], ["7", 128]],
  );
});

test("the final file is the last checkpoint; training moved the rows at every one", () => {
  const all = checkpoints.map((path) => readFileSync(join(run, path)));
  assert.deepEqual(readFileSync(join(run, final)), all[2]);
  assert.notDeepEqual(stored(checkpoints[0]).values, stored(checkpoints[1]).values);
  assert.notDeepEqual(stored(checkpoints[1]).values, stored(checkpoints[2]).values);
});

test("no result knows where or when it was made", () => {
  for (const path of Object.keys(resultsOf(run))) {
    const text = readFileSync(join(run, path)).toString("latin1");
    for (const told of [folder, root.replace(/[\\/]$/, ""), basename(run)]) {
      assert.ok(!text.includes(told), `${path} tells ${told}`);
    }
    assert.doesNotMatch(text, /20\d\d[-:]\d\d[-:]\d\d/, path);
  }
});

test("validation pictures are whole, of the configured size, and change with the rows", async () => {
  const pictures = filesBelow(run).filter((path) => /prompt_.*\.jpg$/.test(path));
  for (const path of pictures) {
    const { info } = await sharp(join(run, path)).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [64, 64, 3]);
    assert.equal((await sharp(join(run, path)).metadata()).exif, undefined);
  }
  const results = resultsOf(run);
  const firstPrompt = pictures.filter((path) => path.includes("prompt_0000"));
  assert.equal(new Set(firstPrompt.map((path) => results[path])).size, 3);
});

test("events: every step once and in order, the fixed-input loss every second and at the end", () => {
  const events = eventsOf(run);
  const steps = events.flatMap((event) => event.event === "step" ? [event.step] : []);
  assert.deepEqual(steps, [1, 2, 3, 4, 5, 6, 7]);
  const fixed = events.flatMap((event) => event.event === "fixed-loss" ? [event] : []);
  assert.deepEqual(fixed.map(({ step }) => step), [0, 2, 4, 6, 7]);
  const lowest = fixed.reduce((low, each) => each.loss < low.loss ? each : low);
  assert.equal(fixed.at(-1)!.bestStep, lowest.step);
  assert.equal(stored(best).metadata["gnomic.step"], String(lowest.step));
  assert.equal(events.at(-1)!.event, "run-finished");
});

test("the same command again: complete, nothing done, nothing touched", async () => {
  const log = readFileSync(join(run, "events.jsonl"));
  const results = resultsOf(run);
  const { code, stdout } = await gnomic(command);
  assert.equal(code, 0);
  assert.match(stdout, /complete already/i);
  assert.deepEqual(readFileSync(join(run, "events.jsonl")), log);
  assert.deepEqual(resultsOf(run), results);
});

test("what is deleted or damaged is written again from the state, without training", async () => {
  const results = resultsOf(run);
  rmSync(join(run, final));
  const { code, stdout } = await gnomic([...command, "--json"]);
  assert.equal(code, 0);
  const steps = stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
    .filter(({ event }) => event === "step");
  assert.deepEqual(steps, []);
  assert.deepEqual(resultsOf(run), results);
});

test("what cameras note beside the pixels is in no file", () => {
  const camera = /Exif\0\0|GPSLatitude|<x:xmpmeta/;
  const picture = join(root, "sample_data/tiny-bruce/train/002.jpg");
  assert.match(readFileSync(picture, "latin1"), camera, "002 carries EXIF");
  for (const path of filesBelow(join(folder, "output"))) {
    const text = readFileSync(join(folder, "output", path), "latin1");
    assert.doesNotMatch(text, camera, path);
  }
});

// Files hold their configuration, so those of before the extension differ in it.
test("given more steps, checkpoints, pictures and the final file are those of one long training", async () => {
  const place = join(folder, "extended");
  const [pipeline, of, flag, file] = command;
  for (const steps of [4, 7]) {
    const all = ["--output", join(place, "output"), "--set", `max_train_steps=${steps}`];
    const { code, stdout, stderr } = await gnomic([pipeline, of, flag, file, ...all]);
    assert.equal(code, 0, stdout + stderr);
  }
  const later = (results: ReturnType<typeof resultsOf>) =>
    Object.entries(results).filter(([path]) => /^bruce|step_0000000[67]/.test(path));
  assert.equal(later(resultsOf(run)).length, 6);
  assert.deepEqual(later(resultsOf(runIn(place))), later(resultsOf(run)));
});

test("the embedding alone makes itself again, elsewhere", async () => {
  const elsewhere = join(folder, "elsewhere");
  const file = join(run, final);
  const words = ["pipeline", "sdxl-ti", "--from-file", file, "--output", join(elsewhere, "output")];
  const asked = await gnomic(words);
  assert.equal(asked.code, 2, asked.stdout + asked.stderr);
  const fix = /Add ((?:--set [\w.]+=PATH ?)+)$/m.exec(asked.stderr)?.[1].trim() ?? "";
  const places: Readonly<Record<string, string>> = {
    "model": smallTraining.model,
    "data_loader.dataset.dataset_dir": smallTraining.data_loader.dataset.dataset_dir,
  };
  const keys = fix.split("--set ").slice(1).map((each) => each.trim().replace("=PATH", ""));
  assert.deepEqual(keys.toSorted(), Object.keys(places).toSorted());
  const set = keys.flatMap((key) => ["--set", `${key}=${places[key]}`]);
  const { code, stdout, stderr } = await gnomic([...words, ...set]);
  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(resultsOf(runIn(elsewhere)), resultsOf(run));
});
