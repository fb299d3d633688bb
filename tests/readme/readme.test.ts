// Every command of the README is run as it stands there, in a fresh folder, with the runtime of the
// test in the place of `deno run`; trainings are cut to two steps. What takes minutes runs in CI.
// The trap: `output/bruce_the_gnome-1a2b3c4d` stands for the run that the test made.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { program, root, runIn } from "../end-to-end/project.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const readme = read("README.md");

const blocksOf = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) =>
    code
  );

/** Run by `.ci/run`, in fresh clones. */
const inCi: Readonly<Record<string, string>> = {
  "npx -y deno@2.9.6 run pipeline sdxl-ti\n": "trains for minutes",
  "npx -y deno@2.9.6 task test\n": "is what is running now",
  "npm install\nnpm run pipeline sdxl-ti\n": "trains for minutes",
};

/** Ended once they have said this. */
const endless: Readonly<Record<string, RegExp>> = {
  "deno run monitor\n": /Open http/,
};

const folder = mkdtempSync(join(tmpdir(), "gnomic-readme-"));
after(() => rmSync(folder, { recursive: true, force: true }));

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

const run = () => basename(runIn(folder));
const bin = join(folder, "bin");

async function shell(code: string, until?: RegExp): Promise<string> {
  const child: ChildProcess = spawn("sh", ["-e"], {
    cwd: folder,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", PATH: `${bin}:${process.env.PATH}` },
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

before(async () => {
  writeDeno(bin);
  for (const name of ["config", "pipelines", "sample_data", "sweeps", "tests"]) {
    symlinkSync(join(root, name), join(folder, name));
  }
  // Blocks that are files begin with a comment that names them.
  for (const code of [...blocksOf("ts"), ...blocksOf("yaml")]) {
    const path = /^(?:\/\/|#) (my-\S+)$/m.exec(code)?.[1];
    if (path === undefined) continue;
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), code);
  }
  await shell("deno run pipeline sdxl-ti\n");
});

for (const block of blocksOf("sh")) {
  if (block in inCi) continue;
  test(block.trim().split("\n")[0], async () => {
    const name = /my-gnome\/|examples\//.test(block) ? "" : run();
    // Deno would look for what an example imports beside the link.
    const here = block.replaceAll("./examples/", `${root}/examples/`);
    await shell(here.replaceAll("bruce_the_gnome-1a2b3c4d", name), endless[block]);
  });
}

test("what is not run here is run by CI", () => {
  const ci = read(".ci/run").split("\n").map((line) => line.trim());
  const blocks = blocksOf("sh");
  for (const block of [...Object.keys(inCi), ...Object.keys(endless)]) {
    assert.ok(blocks.includes(block), `not in the README: ${block}`);
  }
  for (const line of Object.keys(inCi).flatMap((block) => block.trim().split("\n"))) {
    assert.ok(ci.includes(line), `not in .ci/run: ${line}`);
  }
});

for (const document of ["README.md", "CONTRIBUTING.md", "NOTICE"]) {
  test(`every file that ${document} names is there`, () => {
    const rooms =
      "cli|config|docs|engine|examples|hub|inversion|lib|observe|pipelines|runtime|sample_data|stages|sweeps|tests";
    const named = [
      ...read(document).matchAll(new RegExp(`(?<![\\w/])(?:${rooms})/[\\w./-]*`, "g")),
    ];
    const gone = named.map(([path]) => path.replace(/\.$/, "")).filter((path) =>
      !existsSync(join(root, path))
    );
    assert.deepEqual(gone, []);
    assert.ok(named.length > 5);
  });
}
