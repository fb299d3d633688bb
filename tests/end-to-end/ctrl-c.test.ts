// A training stopped by Ctrl-C in a terminal, through npx or npm, which hand it on a second time, and
// continued under the other runtime: the same bytes.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { runtimeVersion } from "../../runtime/platform/runtime.ts";
import { otherRuntime, skipWithoutOther } from "../../runtime/testing/other-runtime.ts";
import { gnomic, program, resultsOf, root, runIn, trainingIn } from "./project.ts";

const folder = mkdtempSync(join(tmpdir(), "gnomic-interruptions-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** After the fifth step, at which it is stopped, there is time left for whoever presses the keys. */
const length = { max_train_steps: 40, save_every_n_steps: 5, validate_every_n_steps: 20 };

/** A folder of its own, and the command that trains there. */
function place(name: string) {
  const home = join(folder, name);
  mkdirSync(home);
  return { home, command: trainingIn(home, length) };
}

let expected: Readonly<Record<string, string>>;
before(async () => {
  const { home, command } = place("calm");
  const { code, stdout, stderr } = await gnomic(command);
  assert.equal(code, 0, stdout + stderr);
  expected = resultsOf(runIn(home));
});

/** Types Ctrl-C into the terminal of a command once it has printed `sign`; twice, as people do. npx ends
 * at once, the training after its step: the terminal stays open until `last` is read, for two minutes
 * at most. */
async function pressCtrlC(words: readonly string[], sign: string, last: RegExp) {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const command = `trap : INT; ${quoted}; code=$?; read -r line; exit $code`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd: root,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) },
  });
  let output = "";
  let pressed = false;
  const close = () => child.stdin.end("\n");
  const patience = setTimeout(close, 120_000);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (pressed && last.test(output)) close();
    if (pressed || !output.includes(sign)) return;
    pressed = true;
    child.stdin.write("\x03\x03");
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(patience);
  return { code, output, pressed };
}

const isDeno = runtimeVersion.startsWith("deno");
const launcher = isDeno
  ? ["npx", "--offline", "-y", "deno@2.9.6", "run"]
  : ["npm", "--offline", "run"];

const present = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const skipTerminal = !present("script", "--version")
  ? "there is no util-linux `script` to make a terminal with"
  : !present(launcher[0], ...(isDeno ? [...launcher.slice(1, 4), "--version"] : ["--version"]))
  ? `there is no ${launcher[0]} here`
  : false;

test(`Ctrl-C through ${launcher[0]}, then on under the other runtime`, {
  skip: skipTerminal || skipWithoutOther,
}, async () => {
  const { home, command } = place("terminal");
  const [task, ...args] = command;
  const words = [...launcher, task, ...(isDeno ? [] : ["--"]), ...args];
  const said = /state of step \d+ is in .*state\.safetensors; go on with: /;
  const { code, output, pressed } = await pressCtrlC(words, "step 5: checkpoints", said);
  assert.ok(pressed, output);
  assert.equal(code, 130, output);
  assert.match(output, said);
  assert.notDeepEqual(resultsOf(runIn(home)), expected);

  const [other, rest] = otherRuntime!.command(program, command);
  const resumed = spawnSync(other, rest, { cwd: root, encoding: "utf8" });
  assert.equal(resumed.status, 0, resumed.stdout + resumed.stderr);
  assert.deepEqual(resultsOf(runIn(home)), expected);
});
