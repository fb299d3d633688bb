// The program as it is called: from a command line to standard output, standard error and an exit code.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { startChild } from "../runtime/testing/child.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const call = (cwd: string, ...args: string[]) => startChild(main, args, { cwd }).ended;
const callWith = (cwd: string, env: Record<string, string>, ...args: string[]) =>
  startChild(main, args, { cwd, env }).ended;

// A stage as a stranger writes it, in a folder that knows neither gnomic nor effect.
const greeter = `
export default ({ Effect, Schema, defineStage, artefact, fault }) => {
  class Shy extends fault("Shy", "world") {}
  return defineStage({
    name: "greet",
    version: 1,
    summary: "Greets the placeholder",
    options: Schema.Struct({ placeholder_token: Schema.String, greeting: Schema.String }),
    reads: {},
    writes: { greeting: artefact("greeting", Schema.String) },
    lifetime: "run",
    run: ({ options, tools }) =>
      options.greeting === "throw"
        ? Effect.sync(() => { throw new TypeError("lost for words"); })
        : options.greeting === "later"
        ? Effect.promise(() => new Promise(() => setTimeout(() => { throw new Error("lost for words"); }, 20)))
        : options.greeting === "reject"
        ? (Promise.reject(new Error("lost for words")), Effect.never)
        : options.greeting === "exit"
        ? Effect.promise(() => new Promise(() => setTimeout(() => process.exit(0), 20)))
        : options.greeting === "leave"
        ? Effect.sync(() => globalThis.Deno ? Deno.exit(0) : process.exit(0))
        : options.greeting === "lost"
        ? (Promise.reject("lost for words"), Effect.never)
        : options.greeting === "fail"
        ? Effect.fail(new Shy({ wanted: "courage", found: "none", fix: "Breathe." }))
        : options.greeting === "print"
        ? Effect.sync(() => {
          console.log("to the console");
          process.stdout.write("to the stream\\n");
          return { greeting: "printed" };
        })
        : tools.emit({ event: "note", text: options.greeting + " " + options.placeholder_token })
          .pipe(Effect.as({ greeting: options.greeting })),
  });
};
`;

function project(folder: string, greeting: string) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "greet.ts"), greeter);
  writeFileSync(
    join(folder, "hello.yaml"),
    `pipeline: hello
config:
  type: SDXL_TEXTUAL_INVERSION
  base_output_dir: out
  placeholder_token: bruce
  initializer_token: gnome
  max_train_steps: 1
  save_every_n_steps: 1
  validate_every_n_steps: 1
  seed: 4
  provider: cpu
  data_loader:
    dataset: { type: IMAGE_DIR_DATASET, dataset_dir: pictures }
    caption_preset: object
stages:
  greet: { use: ./greet.ts, options: { greeting: ${greeting} } }
`,
  );
  return folder;
}

test("a stranger's pipeline runs, says where the result is, and has nothing to do the second time", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "hello");
    const first = await call(folder, "pipeline", "./hello.yaml");
    assert.deepEqual([first.code, first.stderr], [0, ""]);
    assert.match(first.stdout, /greet {2}runs +new/);
    assert.match(first.stdout, /^hello bruce$/m);
    assert.match(first.stdout, /^Complete: out[\\/]bruce-[0-9a-f]{8}$/m);
    const second = await call(folder, "pipeline", "./hello.yaml", "--quiet");
    assert.deepEqual([second.code, second.stderr], [0, ""]);
    assert.match(second.stdout, /^Complete already, nothing to do: out[\\/]bruce-[0-9a-f]{8}\n$/);
  }));

test("the key to a page is not written to a log", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "hello");
    for (const quiet of ["--quiet", "--json"]) {
      const output = ["--output", quiet.slice(2), "--monitor", quiet];
      const { code, stdout, stderr } = await call(folder, "pipeline", "./hello.yaml", ...output);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^The page is served at http:\/\/127\.0\.0\.1:\d+; its key/m);
      assert.doesNotMatch(stdout + stderr, /http:\/\/127\.0\.0\.1:\d+\/[?#\w]/);
    }
  }));

test("--json: events on standard output and nothing else", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "hello");
    const { code, stdout, stderr } = await call(folder, "pipeline", "./hello.yaml", "--json");
    assert.deepEqual([code, stderr], [0, ""]);
    const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).event);
    assert.deepEqual([events[0], events.at(-1)], ["run-started", "run-finished"]);
    const [run] = readdirSync(join(folder, "out")).filter((name) => name.startsWith("bruce"));
    const log = readFileSync(join(folder, "out", run, "events.jsonl"), "utf8");
    assert.equal(stdout, log);
  }));

test("--dry-run says why and writes nothing; with --json it is the plan", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "hello");
    const text = await call(folder, "pipeline", "./hello.yaml", "--dry-run");
    assert.deepEqual([text.code, text.stderr], [0, ""]);
    assert.match(text.stdout, /^hello: out[\\/]bruce-[0-9a-f]{8} \(a new run\), seed 4, cpu$/m);
    const json = await call(
      folder,
      "pipeline",
      "./hello.yaml",
      "--dry-run",
      "--json",
      "--seed",
      "9",
    );
    const plan = JSON.parse(json.stdout);
    assert.deepEqual([plan.seed, plan.stages[0].reasons], [9, [{ reason: "new" }]]);
    assert.deepEqual(readdirSync(folder).sort(), ["greet.ts", "hello.yaml"]);
  }));

test("--from-file takes the configuration that an embedding carries; --set goes over it", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "hello");
    const carried = JSON.parse(
      (await call(folder, "pipeline", "./hello.yaml", "--dry-run", "--json", "--seed", "77"))
        .stdout,
    );
    assert.equal(carried.seed, 77);
    const rows = { dtype: "F32" as const, shape: [1, 2], data: new Float32Array(2) };
    const configuration = {
      type: "SDXL_TEXTUAL_INVERSION",
      seed: 77,
      placeholder_token: "my-hat",
      initializer_token: "hat",
      max_train_steps: 3,
      save_every_n_steps: 3,
      validate_every_n_steps: 3,
      provider: "cpu",
      data_loader: {
        dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: "hats" },
        caption_preset: "object",
      },
    };
    const metadata = { "gnomic.configuration": JSON.stringify(configuration) };
    await writeSafetensors(join(folder, "hat.safetensors"), new Map([["clip_l", rows]]), metadata);
    await writeSafetensors(join(folder, "other.safetensors"), new Map([["clip_l", rows]]));
    const dry = (...more: string[]) =>
      call(folder, "pipeline", "./hello.yaml", "--dry-run", "--json", ...more);
    const asked = await dry("--from-file", "hat.safetensors");
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /Add --set data_loader\.dataset\.dataset_dir=PATH$/m);
    const place = ["--set", "data_loader.dataset.dataset_dir=caps"];
    const made = await dry("--from-file", "hat.safetensors", ...place);
    assert.equal(made.stderr, "");
    const plan = JSON.parse(made.stdout);
    assert.equal(plan.seed, 77);
    assert.match(plan.run.name, /^my_hat-/);
    const over = await dry("--from-file", "hat.safetensors", ...place, "--set", "seed=5");
    assert.equal(JSON.parse(over.stdout).seed, 5);
    const none = await dry("--from-file", "other.safetensors");
    assert.equal(none.code, 2);
    assert.match(none.stderr, /other\.safetensors --from-file: .*with --config/);
  }));

test("a value that looks like a number stays the text that it is", () =>
  withTemporaryFolder(async (folder) => {
    const rows = { dtype: "F32", shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) } as const;
    const both = new Map([["clip_l", rows], ["clip_g", rows]]);
    await writeSafetensors(join(folder, "hat.safetensors"), both);
    for (const [i, token] of [["--token", "007"], ["--token=1e3"]].entries()) {
      const out = ["--out", `${i}`, "--json"];
      const { stdout } = await call(
        folder,
        "embedding",
        "convert",
        "hat.safetensors",
        ...token,
        ...out,
      );
      assert.equal(JSON.parse(stdout).token, ["007", "1e3"][i]);
    }
    const { stderr } = await call(folder, "generate", "a gnome", "--model", "");
    assert.match(stderr, /^--model: wanted a value: --model <name>, found an empty one/);
  }));

test("a seed that is to be drawn is not shown before it is", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "hello");
    const { stdout } = await call(
      folder,
      ...["pipeline", "./hello.yaml", "--dry-run", "--set", "seed=null"],
    );
    assert.match(stdout, /a seed to be drawn/);
  }));

test("exit 2 with everything that is wrong, each with its line", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "hello");
    const text = readFileSync(join(folder, "hello.yaml"), "utf8")
      .replace("initializer_token", "initialiser_token").replace("./greet.ts", "./gret.ts");
    writeFileSync(join(folder, "hello.yaml"), text);
    const { code, stdout, stderr } = await call(folder, "pipeline", "./hello.yaml");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /hello\.yaml:\d+ initialiser_token: .*Did you mean initializer_token\?/);
    assert.match(stderr, /hello\.yaml:\d+: wanted a stage .*gret\.ts/);
  }));

test("exit 3 for the world's faults, with what to do; 70 for a defect, with a report", () =>
  withTemporaryFolder(async (folder) => {
    const world = await call(project(join(folder, "a"), "fail"), "pipeline", "./hello.yaml");
    assert.equal(world.code, 3);
    assert.match(
      world.stderr,
      /go on with: .*pipeline \.\/hello\.yaml\n.*wanted courage, found none/s,
    );

    const at = project(join(folder, "b"), "lost");
    const reports = join(folder, "reports");
    const defect = await callWith(
      at,
      { TMPDIR: reports, TEMP: reports },
      "pipeline",
      "./hello.yaml",
    );
    assert.equal(defect.code, 70);
    const [, report] = /A report of it: (.*)/.exec(defect.stderr)!;
    assert.match(readFileSync(report, "utf8"), /lost for words/);
    assert.match(report, /reports[\\/]gnomic-crash-[0-9a-f-]{36}\.txt$/);
  }));

test("a defect whose report cannot be written is said once", () =>
  withTemporaryFolder(async (folder) => {
    const at = project(join(folder, "b"), "lost");
    const nowhere = join(at, "greet.ts", "below");
    const { code, stderr } = await callWith(
      at,
      { TMPDIR: nowhere, TEMP: nowhere },
      "pipeline",
      "./hello.yaml",
    );
    assert.equal(code, 70);
    assert.equal(stderr.split("lost for words").length, 2, stderr);
    assert.match(stderr, /No report of it could be written/);
  }));

test("what a user's stage throws, at once or when nobody waits, is exit 2 and names its file, once", () =>
  withTemporaryFolder(async (folder) => {
    for (const greeting of ["throw", "later", "reject"]) {
      const at = project(join(folder, greeting), greeting);
      const { code, stdout, stderr } = await call(at, "pipeline", "./hello.yaml");
      assert.equal(code, 2, stderr);
      assert.match(stderr, /greet\.ts \S+: wanted this stage to work, found .*lost for words/);
      assert.equal((stdout + stderr).split("lost for words").length, 2, stdout + stderr);
      const said = stdout + stderr;
      assert.ok(!/go on with|defect/.test(said) && !said.includes("\u001b"), said);
    }
  }));

test("a stage that ends the whole program is exit 2 and named, whatever code it gives", () =>
  withTemporaryFolder(async (folder) => {
    for (const greeting of ["exit", "leave"]) {
      const at = project(join(folder, greeting), greeting);
      const { code, stderr } = await call(at, "pipeline", "./hello.yaml");
      assert.equal(code, 2, stderr);
      assert.match(stderr, /greet\.ts \S+: wanted this stage to work, found an end of the whole/);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
  }));

test("help NAME is NAME --help, and a command like none is told where they are", () =>
  withTemporaryFolder(async (folder) => {
    const [asked, direct] = [
      await call(folder, "help", "runs"),
      await call(folder, "runs", "--help"),
    ];
    assert.deepEqual([asked.code, asked.stdout], [0, direct.stdout]);
    const { code, stderr } = await call(folder, "xyzzy");
    assert.equal(code, 2);
    assert.match(stderr, /found xyzzy\. --help says what each does\.$/m);
  }));

test("an option that the action does not use is refused", () =>
  withTemporaryFolder(async (folder) => {
    for (
      const [given, ...words] of [
        ["--steps", "embedding", "convert", "x.safetensors", "--steps", "4"],
        ["--step", "runs", "list", "--step", "3"],
        ["--csv", "sweep", "list", "--csv"],
        ["--grant", "fleet", "--grant", "me"],
        ["--data-root", "worker", "--data-root", "x"],
      ]
    ) {
      const { code, stderr } = await call(folder, ...words);
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`${given}.*(an option that .* uses|without --blobs)`));
    }
    const { stderr } = await call(folder, "runs", "lst", "--yes");
    assert.match(
      stderr,
      /^runs: wanted one of list, show.*found lst\. Did you mean list\?/,
      "an action that there is not comes first",
    );
  }));

test("a sweep file, its configuration and a folder are read as people write them, or refused in words", () =>
  withTemporaryFolder(async (folder) => {
    const said = async (bytes: Uint8Array | string, ...words: string[]) => {
      writeFileSync(join(folder, "s.yaml"), bytes);
      const { code, stderr } = await callWith(
        folder,
        { HOME: folder, USERPROFILE: folder },
        ...words,
      );
      assert.equal(code, 2, stderr);
      assert.ok(!/ENOENT|EISDIR/.test(stderr), stderr);
      return stderr;
    };
    const run = ["sweep", "run", "s.yaml", "--dry-run"];
    const file = "sweep: a\npipeline: sdxl-ti\nmatrix: {seed: [1]}\n";
    assert.match(
      await said(Buffer.from(`${file}# caf\u00e9\n`, "latin1"), ...run),
      /s\.yaml:4.*encoding/,
    );
    const missing = await said(`${file}config: ~/none.yaml\n`, ...run);
    assert.match(missing, /none\.yaml: wanted a configuration file, .*no such file/);
    assert.ok(!missing.includes("~"), missing);
    assert.match(
      await said("", "sweep", "run", "~/none.yaml"),
      /none\.yaml: .* sweep file.*no such/,
    );
    assert.match(await said("", "sweep", "run", "."), /a folder/);
    assert.match(await said("", "suggest", "~someone/x"), /only ~ by itself/);
    assert.match(await said("", "embedding", "check", "s.yaml "), /without blanks/);
  }));

test("Complete names a folder only where there is one", () =>
  withTemporaryFolder(async (folder) => {
    const at = project(folder, "hello");
    writeFileSync(
      join(at, "greet.ts"),
      readFileSync(join(at, "greet.ts"), "utf8").replace('lifetime: "run"', 'lifetime: "cached"'),
    );
    const { code, stdout } = await call(at, "pipeline", "./hello.yaml");
    assert.equal(code, 0);
    assert.match(stdout, /^Complete: results are in the store \(.*\.gnomic-store\)$/m);
  }));

test("help of the program and of a command; unknown commands and options name the nearest", () =>
  withTemporaryFolder(async (folder) => {
    const all = await call(folder, "--help");
    assert.equal(all.code, 0);
    for (
      const name of [
        "pipeline",
        "runs",
        "embedding",
        "suggest",
        "generate",
        "monitor",
        "doctor",
        "probe",
      ]
    ) {
      assert.match(all.stdout, new RegExp(`^    ${name} `, "m"));
    }
    const one = await call(folder, "pipeline", "--help");
    const titles = ["SYNOPSIS", "DESCRIPTION", "OPTIONS", "FILES", "EXIT STATUS", "EXAMPLES"];
    assert.deepEqual(one.stdout.split("\n").filter((line) => titles.includes(line)), titles);
    assert.ok(one.stdout.split("\n").every((line) => line.length <= 120));

    const command = await call(folder, "pipelin");
    assert.equal(command.code, 2);
    assert.match(command.stderr, /Did you mean pipeline\?/);
    const option = await call(folder, "pipeline", "sdxl-ti", "--dry-rn");
    assert.match(option.stderr, /--dry-rn: .*Did you mean --dry-run\?/);
    assert.equal((await call(folder, "pipeline")).code, 2);
    assert.equal((await call(folder, "pipeline", "sdxl-ti", "--seed")).code, 2);
    assert.match((await call(folder, "--version")).stdout, /^gnomic \d/);
  }));

test("--explain tells what an option means", () =>
  withTemporaryFolder(async (folder) => {
    const one = await call(folder, "pipeline", "sdxl-ti", "--explain", "data_loader.resolution");
    assert.match(one.stdout, /^data_loader\.resolution\n.*\n.*type/);
    const all = await call(folder, "pipeline", "sdxl-ti", "--explain");
    assert.ok(all.stdout.split("\n").length > 50);
    const own = await call(project(folder, "hello"), "pipeline", "./hello.yaml", "--explain");
    const keys = own.stdout.split("\n").map((line) => line.slice(0, line.indexOf(":")));
    assert.deepEqual(keys.filter((key) => /placeholder|greet/.test(key)), [
      ...["placeholder_token", "stages.greet.options.greeting"],
    ]);
    const misplaced = await call(folder, "pipeline", "./hello.yaml", "--explain", "greeting");
    assert.match(misplaced.stderr, /Did you mean stages\.greet\.options\.greeting\?/);
  }));

test("a reader that leaves early, as `| head`, ends nothing", () =>
  withTemporaryFolder(async (folder) => {
    const child = startChild(main, ["pipeline", "hello.yaml"], { cwd: project(folder, "hi") });
    child.process.stdout!.destroy();
    const { code, stderr } = await child.ended;
    assert.deepEqual([code, stderr], [0, ""]);
    const runs = readdirSync(join(folder, "out")).filter((name) => name.startsWith("bruce-"));
    const log = readFileSync(join(folder, "out", runs[0], "events.jsonl"), "utf8");
    assert.match(log, /"event":"run-finished"/);
  }));

test("the overview, the tasks of deno and the scripts of npm know the same commands", async () => {
  const { stdout } = await call(".", "--help");
  const listed = [...stdout.matchAll(/^ {4}([a-z]+) {2,}(.+)$/gm)].map((
    [, name, said],
  ) => [name, said]);
  assert.ok(listed.length > 5);
  for (const [name, said] of listed) {
    const { [`${name}Command`]: command } = await import(`./${name}.ts`);
    assert.equal(said, command.summary);
  }
  const names = listed.map(([name]) => name).sort();
  for (const [file, entry] of [["deno.json", "tasks"], ["package.json", "scripts"]]) {
    const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
    const calls = Object.entries<string>(JSON.parse(text)[entry])
      .filter(([name, line]) => /cli\/(main\.ts|start\.js) (\w+)$/.exec(line)?.[2] === name);
    assert.deepEqual(calls.map(([name]) => name).sort(), names);
  }
});

test("an option that counts once is refused twice; ~ behind an equals sign is the home folder", async () => {
  const run = (...args: string[]) => startChild(main, args).ended;
  const twice = await run("pipeline", "sdxl-ti", "--dry-run", "--seed", "1", "--seed", "2");
  assert.equal(twice.code, 2);
  assert.match(twice.stderr, /--seed: wanted this option once, found 1 and 2/);
  const both = await run(
    "pipeline",
    "sdxl-ti",
    "--dry-run",
    "--only",
    "ingest",
    "--from",
    "caption",
  );
  assert.match(both.stderr, /--only by itself/);
  const home = await run("pipeline", "sdxl-ti", "--dry-run", "--config=~/no-such-file.yaml");
  assert.ok(home.stderr.includes(join(homedir(), "no-such-file.yaml")), home.stderr);
  const user = await run("runs", "list", "--output=~nobody/out");
  assert.match(user.stderr, /--output: wanted a path; only ~/);
});

test("--json: what a stage writes to the console is not among the events", () =>
  withTemporaryFolder(async (folder) => {
    project(folder, "print");
    const { code, stdout, stderr } = await call(folder, "pipeline", "./hello.yaml", "--json");
    assert.equal(code, 0, stderr);
    for (const line of stdout.trimEnd().split("\n")) assert.ok("event" in JSON.parse(line));
    assert.match(stderr, /to the console\nto the stream/);
  }));
