// The README's blocks, and a folder in which they are run as they stand there: with the runtime of the test in
// the place of `deno run`, trainings cut to two steps, sweeps to four.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { program, root } from "../end-to-end/project.ts";

export const read = (path: string) => readFileSync(join(root, path), "utf8");
const readme = read("README.md");

export const blocksOf = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) =>
    code
  );

/** Of a studio: run by tests/fleet, with a PostgreSQL. */
export const needsFleet = (block: string) => block.includes("GNOMIC_FLEET");

const short = [
  "max_train_steps=2",
  "save_every_n_steps=2",
  "validate_every_n_steps=2",
  "validation_steps=2",
  "num_validation_images_per_prompt=1",
  "before_after_timesteps=[]",
  "data_loader.resolution=64",
  "threads=1",
].flatMap((setting) => ["--set", setting]);

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(" ");

/** `deno run NAME ...` with the runtime of the test; trainings are short. */
function writeDeno(bin: string): void {
  const [command, args] = scriptCommand(program);
  mkdirSync(bin);
  writeFileSync(
    join(bin, "deno"),
    `#!/bin/sh
[ "$1" = run ] || exit 99
shift
case "$*" in
  *--dry-run* | *--explain* | *--help* | *examples/*) ;;
  pipeline*) set -- "$@" ${quoted(short)} ;;
esac
exec ${quoted([command, ...args])} "$@"
`,
    { mode: 0o755 },
  );
}

/** A sweep with trainings of four steps of small pictures, and one seed. */
function writeShortSweep(project: string): void {
  mkdirSync(join(project, "sweeps"));
  const text = read("sweeps/rates.yaml")
    .replace(/max_train_steps: \d+/, "max_train_steps: 4")
    .replace(
      /fixed_loss_every: \d+/,
      "fixed_loss_every: 2\n    data_loader.resolution: 64\n    threads: 1",
    )
    .replace(/seed: \[.*\]/, "seed: [1]");
  writeFileSync(join(project, "sweeps", "rates.yaml"), text);
}

/** Links and writes what the blocks name. */
export function makeProject(folder: string): void {
  writeDeno(join(folder, "bin"));
  for (const name of ["config", "pipelines", "sample_data", "tests"]) {
    symlinkSync(join(root, name), join(folder, name));
  }
  writeShortSweep(folder);
}

/** Runs a block in the folder, until it says `until` or to its end; what it said. */
export async function shell(
  folder: string,
  code: string,
  until?: RegExp,
): Promise<string> {
  const child: ChildProcess = spawn("sh", ["-e"], {
    cwd: folder,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", PATH: `${join(folder, "bin")}:${process.env.PATH}` },
  });
  let said = "";
  let enough = false;
  const hear = (text: string) => {
    said += text;
    if (enough || until === undefined || !until.test(said)) return;
    enough = true;
    process.kill(-child.pid!, "SIGTERM");
  };
  child.stdout!.setEncoding("utf8").on("data", hear);
  child.stderr!.setEncoding("utf8").on("data", hear);
  child.stdin!.end(code);
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  assert.ok(until === undefined ? status === 0 : enough, `exit ${status} of\n${code}\n${said}`);
  return said;
}
