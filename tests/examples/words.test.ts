// examples/words, a pipeline that is no training, through the command line.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { startChild } from "../../runtime/testing/child.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { program, root } from "../end-to-end/project.ts";

const pipeline = join(root, "examples", "words", "pipeline.yaml");

function call(...args: readonly string[]) {
  const [command, all] = scriptCommand(program, "pipeline", ...args);
  const { status, stdout, stderr } = spawnSync(command, all, { encoding: "utf8", cwd: root });
  return { status, stdout, stderr };
}
const runIn = (folder: string) =>
  join(folder, readdirSync(folder).find((name) => name.startsWith("words-"))!);
const eventsIn = (folder: string) =>
  readFileSync(join(runIn(folder), "events.jsonl"), "utf8").trimEnd().split("\n")
    .map((line) => JSON.parse(line));

test("it runs without a training's options and asks for no card; the second time nothing is left", () =>
  withTemporaryFolder((folder) => {
    const first = call(pipeline, "--output", folder, "--seed", "1");
    assert.deepEqual([first.status, first.stderr], [0, ""]);
    assert.match(first.stdout, /count +runs +new/);
    assert.doesNotMatch(first.stdout, /cpu|cuda|webgpu|GiB|memory/i);
    const manifest = JSON.parse(readFileSync(join(runIn(folder), "run.json"), "utf8"));
    assert.deepEqual([manifest.format, manifest.device, manifest.facts], [2, null, {}]);
    const own = eventsIn(folder).filter(({ event }) => event === "longest-word");
    assert.deepEqual(own.map(({ word, times }) => [word, times]), [["smiles", 1]]);
    const second = call(pipeline, "--output", folder, "--seed", "1");
    assert.match(second.stdout, /^Complete already, nothing to do/m);
    const other = call(pipeline, "--output", folder, "--seed", "2");
    assert.match(
      other.stdout,
      /count +cached/,
      "of another run, the same text is not counted again",
    );
    const dry = call(pipeline, "--output", folder, "--set", "text=a gnome", "--dry-run");
    assert.match(dry.stdout, /config changed \(text: ".*" -> "a gnome"\)/);
    for (const option of [["--device-memory", "12"], ["--from-file", pipeline]]) {
      const { status, stdout, stderr } = call(pipeline, "--dry-run", ...option);
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, /^--[a-z-]+: wanted a pipeline that is a training, found words/);
    }
    const sweep = join(folder, "sweep.yaml");
    const rank = { by: "fixed_loss" };
    writeFileSync(sweep, JSON.stringify({ sweep: "w", pipeline, list: [{ seed: 1 }], rank }));
    const [command, all] = scriptCommand(program, "sweep", "run", sweep, "--output", folder);
    const swept = spawnSync(command, all, { encoding: "utf8", cwd: root });
    assert.equal(swept.status, 2, swept.stderr);
    assert.match(swept.stderr, /sweep\.yaml pipeline: wanted a pipeline that is a training/);
  }));

test("its options are explained as its stages take them, and none of a training's", () => {
  const all = call(pipeline, "--explain").stdout.trimEnd().split("\n").map((line) =>
    line.split(":")[0]
  );
  assert.deepEqual(all, ["text", "seed", "base_output_dir"]);
  assert.match(
    call(pipeline, "--explain", "text").stdout,
    /^text\n +type: a text\n +default: none:/,
  );
  const { status, stderr } = call(pipeline, "--explain", "pooling");
  assert.deepEqual([status, /found "pooling"/.test(stderr)], [2, true]);
});

test("composed in a program it is run with the runner's module alone, and is the same to the store", () =>
  withTemporaryFolder((folder) => {
    const file = join(root, "examples", "words", "run.ts");
    const imports = [...readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)]
      .map(([, path]) => path).filter((path) => !path.startsWith("node:"));
    assert.deepEqual(imports, ["../../runtime/mod.ts", "./count.ts", "./longest.ts"]);
    const [command, args] = scriptCommand(file, "a gnome in the rain", folder);
    const first = spawnSync(command, args, { encoding: "utf8", cwd: root });
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /^count: run\nlongest: run\ncomplete: /);
    assert.equal(readFileSync(join(runIn(folder), "longest.txt"), "utf8"), "gnome\n");
    const same = call(pipeline, "--output", folder, "--set", "text=a gnome in the rain");
    assert.match(same.stdout, /count +cached/);
  }));

test("killed with -9 while it works, the same command ends it", () =>
  withTemporaryFolder(async (folder) => {
    const args = ["pipeline", pipeline, "--output", folder, "--seed", "1", "--json"];
    const child = startChild(program, args, { cwd: root });
    await child.line("stage-started");
    child.process.kill("SIGKILL");
    await child.ended;
    assert.equal(call(...args.slice(1)).status, 0);
    assert.equal(readFileSync(join(runIn(folder), "longest.txt"), "utf8"), "smiles\n");
    assert.equal(eventsIn(folder).at(-1).event, "run-finished");
  }));

test("an event that is not registered, or of another shape, is the stage's fault and says where", () =>
  withTemporaryFolder((folder) => {
    cpSync(join(root, "examples", "words"), join(folder, "words"), { recursive: true });
    for (
      const [wrong, found] of [
        ['{ event: "shout", word }', /"shout": no event "shout" is registered/],
        ['{ event: "longest-word", word, times: "often" }', /"longest-word": .*times/],
      ] as const
    ) {
      const source = readFileSync(join(root, "examples", "words", "longest.ts"), "utf8")
        .replaceAll('"../../runtime/mod.ts"', JSON.stringify(join(root, "runtime", "mod.ts")))
        .replace(/tools\.emit\(\{[^}]*\}\)/s, `tools.emit(${wrong} as never)`);
      writeFileSync(join(folder, "words", "longest.ts"), source);
      const count = readFileSync(join(root, "examples", "words", "count.ts"), "utf8")
        .replaceAll('"../../runtime/mod.ts"', JSON.stringify(join(root, "runtime", "mod.ts")));
      writeFileSync(join(folder, "words", "count.ts"), count);
      const { status, stderr } = call(
        join(folder, "words", "pipeline.yaml"),
        "--output",
        join(folder, "out"),
      );
      assert.equal(status, 2, stderr);
      assert.match(stderr, /stages\.longest/);
      assert.match(stderr, found);
    }
  }));

test("an app's file that exports nothing usable is refused with what it lacks", () =>
  withTemporaryFolder((folder) => {
    writeFileSync(join(folder, "app.ts"), "export const app = { name: 'half' };");
    writeFileSync(
      join(folder, "p.yaml"),
      "pipeline: p\napp: ./app.ts\nstages:\n  a: { use: ./a.ts }\n",
    );
    const { status, stderr } = call(join(folder, "p.yaml"), "--output", join(folder, "out"));
    assert.equal(status, 2);
    assert.match(stderr, /p\.yaml:2.*to export an app, found one without stages, toolkit/);
    assert.ok(!existsSync(join(folder, "out")));
  }));
