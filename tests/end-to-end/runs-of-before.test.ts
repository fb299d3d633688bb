// What the program of commit fb0a9ae left behind, kept in tests/corpus/fb0a9ae: an output folder of a
// finished run, one of the same run killed after step 5 of 8 (a state without a digest), and its archive; and the
// VAE that the sample had then.
// Today's program takes each up as if it had made it, and a resumed run ends with the rows of the finished one.
// The trap: another processor, or arithmetic that CHANGES.md lists, gives other last bits than those kept.
// Whether it does, a fresh training says; where it does not, every bit has to agree. Metadata differs, too.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Effect, Stream } from "effect";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { unpacked } from "../../lib/tar.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, filesBelow, gnomic, root, runIn } from "./project.ts";

const corpus = join(root, "tests", "corpus", "fb0a9ae");
const bytesOf = (name: string): Uint8Array =>
  gunzipSync(readFileSync(join(corpus, `${name}.tar.gz`)));
const name = "bruce_the_gnome-7c244d07";

/** Unpacks a kept output folder into `folder`/output. */
function unpack(kept: string, folder: string): Promise<void> {
  const output = join(folder, "output");
  return Effect.runPromise(
    unpacked(
      kept,
      Stream.make(bytesOf(kept)),
      ({ path, content }) =>
        Effect.map(Stream.runCollect(content), (chunks) => {
          mkdirSync(dirname(join(output, path)), { recursive: true });
          writeFileSync(join(output, path), Buffer.concat([...chunks]));
        }),
    ),
  );
}

async function succeed(folder: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await gnomic([...args, "--output", join(folder, "output")]);
  assert.equal(code, 0, `${args.join(" ")}\n${stdout}\n${stderr}`);
  return stdout;
}

const train = (folder: string, ...more: readonly string[]) =>
  succeed(folder, "pipeline", join(corpus, "pipeline.yaml"), ...more);

const checkpoints = [
  "bruce_the_gnome.safetensors",
  "bruce_the_gnome-best.safetensors",
  "checkpoints/checkpoint-epoch_00000002-step_00000004.safetensors",
  "checkpoints/checkpoint-epoch_00000004-step_00000008.safetensors",
];

/** The tensors of each result of a run, by file and name. */
async function rowsOf(runDir: string): Promise<ReadonlyMap<string, Float32Array>> {
  const rows = new Map<string, Float32Array>();
  for (const file of checkpoints) {
    for (const [tensor, { data }] of await readSafetensors(join(runDir, file))) {
      rows.set(`${file} ${tensor}`, data as Float32Array);
    }
  }
  return rows;
}

test("a finished run has nothing to do, is listed and shown, and not a file of it changes", () =>
  withTemporaryFolder(async (folder) => {
    await unpack("finished", folder);
    const [run, listed, shown] = [join(folder, "output", name), "runs list", "runs show latest"];
    const files = () =>
      Object.fromEntries(filesBelow(run).map((path) => [path, readFileSync(join(run, path))]));
    const before = files();
    assert.match(await train(folder), /Complete already after 8 steps, nothing to do/);
    assert.match(await succeed(folder, ...listed.split(" ")), new RegExp(name));
    const text = await succeed(folder, ...shown.split(" "));
    assert.match(text, /0\.18495/);
    assert.deepEqual(files(), before);
  }));

test("an archive imports, and its run has nothing to do either", () =>
  withTemporaryFolder(async (folder) => {
    const archive = join(folder, "run.tar");
    writeFileSync(archive, bytesOf("archive"));
    await succeed(folder, "runs", "import", archive);
    assert.match(await train(folder), /Complete already after 8 steps, nothing to do/);
  }));

test("a sweep takes over a finished run, one out of an archive, and a killed one", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "sweep.yaml");
    const pipeline = join(corpus, "pipeline.yaml");
    const rank = { by: "fixed_loss" };
    writeFileSync(file, JSON.stringify({ sweep: "s", pipeline, list: [{ seed: 1 }], rank }));
    const sweep = (at: string) => succeed(at, "sweep", "run", file);
    const files = (run: string) =>
      Object.fromEntries(filesBelow(run).map((path) => [path, readFileSync(join(run, path))]));
    const [finished, imported, killed] = ["finished", "imported", "killed"]
      .map((at) => join(folder, at));

    await unpack("finished", finished);
    const before = files(runIn(finished));
    assert.match(await sweep(finished), /complete already: bruce_the_gnome-7c244d07[^]*s: done/);
    assert.deepEqual(files(runIn(finished)), before);

    const archive = join(folder, "run.tar");
    writeFileSync(archive, bytesOf("archive"));
    await succeed(imported, "runs", "import", archive);
    assert.match(await sweep(imported), /complete already: bruce_the_gnome-7c244d07[^]*s: done/);

    await unpack("killed", killed);
    const said = await sweep(killed);
    assert.match(said, /goes on at step 5: bruce_the_gnome-7c244d07[^]*s: done/);
    const started = eventsOf(runIn(killed)).findLast((event) => event.event === "run-started");
    assert.equal(started?.step, 5);
    for (const at of [finished, imported, killed]) {
      assert.deepEqual(
        await readSafetensors(join(at, "output", "s", "best.safetensors")),
        await readSafetensors(join(runIn(at), "bruce_the_gnome-best.safetensors")),
      );
    }
  }));

test("a killed run goes on from its state to the rows of the finished one, with results of its store", (t) =>
  withTemporaryFolder(async (folder) => {
    const [finished, killed, fresh] = ["finished", "killed", "fresh"].map((at) => join(folder, at));
    await unpack("finished", finished);
    await unpack("killed", killed);
    await unpack("finished", fresh);
    rmSync(join(fresh, "output", name), { recursive: true });

    await train(killed);
    const started = eventsOf(runIn(killed)).findLast((event) => event.event === "run-started");
    assert.equal(started?.step, 5);
    // What `auto` meant then.
    await train(fresh, "--set", "pooling=argmax");
    const plan = eventsOf(runIn(fresh)).find((event) => event.event === "plan");
    const hits = plan?.stages.filter(({ cached }) => cached).map(({ stage }) => stage);
    assert.deepEqual(hits, ["ingest", "caption", "tokenise", "encode-latents"]);

    const [kept, resumed, anew] = await Promise.all(
      [finished, killed, fresh].map((at) => rowsOf(runIn(at))),
    );
    const alike = [...kept].every(([key, values]) =>
      values.every((value, i) => value === anew.get(key)![i])
    );
    t.diagnostic(
      alike
        ? "compared bit by bit"
        : "another processor, or arithmetic that CHANGES.md lists: compared to 1e-3",
    );
    for (const [key, values] of kept) {
      if (alike) assert.deepEqual(resumed.get(key), values, key);
      else {
        const apart = values.map((value, i) => Math.abs(value - resumed.get(key)![i]));
        assert.ok(Math.max(...apart) < 1e-3, `${key}: ${Math.max(...apart)}`);
      }
    }
  }));
