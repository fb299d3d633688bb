// The same training from two homes: the results have the same bytes, and what is meant to be shown names no
// folder of either, and no picture file. Captions and ids are the user's to show.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import {
  filesBelow,
  gnomic,
  look,
  resultsOf,
  root,
  runIn,
  smallTraining,
  trainingIn,
} from "./project.ts";

/** A home with pictures, a model and a validation that fails for the want of nothing. */
async function trainAt(home: string): Promise<string> {
  mkdirSync(home, { recursive: true });
  for (
    const [from, to] of [["sample_data/tiny-bruce/train", "pics"], ["tests/golden/b/model", "tiny"]]
  ) cpSync(join(root, from), join(home, to), { recursive: true });
  const command = trainingIn(home, {
    model: join(home, "tiny"),
    max_train_steps: 3,
    validate_every_n_steps: 3,
    data_loader: {
      ...smallTraining.data_loader,
      dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: join(home, "pics") },
    },
  });
  const { code, stdout, stderr } = await gnomic(command);
  assert.equal(code, 0, stdout + stderr);
  return runIn(home);
}

const isShown = (path: string) =>
  /\.safetensors$|^report\.html$|^tensorboard\/|^validation\//.test(path) &&
  path !== "state.safetensors";

test("another home gives the same bytes, and nothing that is shown names either", () =>
  withTemporaryFolder(async (folder) => {
    const homes = [join(folder, "ann-s secret home"), join(folder, "bob", "deeper")];
    const runs = [await trainAt(homes[0]), await trainAt(homes[1])];
    assert.ok(Object.keys(resultsOf(runs[0])).length >= 5);
    assert.deepEqual(resultsOf(runs[0]), resultsOf(runs[1]));
    for (const [i, run] of runs.entries()) {
      const paths = filesBelow(run).filter(isShown);
      assert.ok(
        paths.some((path) => path.startsWith("tensorboard/")) && paths.includes("report.html"),
      );
      for (const path of paths) {
        const text = readFileSync(join(run, path)).toString("latin1");
        for (const told of [homes[i], folder, "ann-s secret", "001.jpg", "004.jpg"]) {
          assert.ok(!text.includes(told), `${path} tells ${told}`);
        }
      }
      assert.match(readFileSync(join(run, "report.html"), "utf8"), /number 2 [0-9a-f]{8}/);
    }

    // A file in its run folder still finds its model; elsewhere it has to be told.
    const file = join(runs[0], "bruce_the_gnome.safetensors");
    const draw = (embedding: string, ...more: readonly string[]) =>
      gnomic([
        ...["generate", "bruce_the_gnome", "--embedding", embedding, "--size", "64x64"],
        ...["--steps", "2", "--threads", "1", "--provider", "cpu", "--out", join(folder, "drawn")],
        ...more,
      ]);
    const there = await draw(file);
    assert.equal(there.code, 0, there.stderr);
    const moved = join(folder, "moved.safetensors");
    cpSync(file, moved);
    const lost = await draw(moved);
    assert.equal(lost.code, 2);
    assert.match(lost.stderr, /called tiny, found no place.*--model/);
    assert.equal((await draw(moved, "--model", join(homes[0], "tiny"))).code, 0);

    // Of other pictures and another model it says so before anything runs.
    const other = join(homes[0], "other");
    cpSync(join(homes[0], "pics"), other, { recursive: true });
    rmSync(join(other, "004.jpg"));
    const { text, fault } = await look([
      ...["pipeline", "sdxl-ti", "--from-file", file, "--dry-run", "--output", folder],
      ...["--set", `data_loader.dataset.dataset_dir=${other}`],
      ...["--set", `model=${join(homes[1], "tiny")}`],
    ]);
    assert.equal(fault, null);
    assert.match(text, /^data_loader\.dataset: other than .* was made from/m);
    assert.doesNotMatch(text, /^model: other/m);
    assert.ok(statSync(file).isFile());
  }));
