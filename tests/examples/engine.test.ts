// The files of examples/engine import the engine's module and nothing else of gnomic, and run.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { root } from "../end-to-end/project.ts";

/** What the example prints. */
function said(name: string, ...words: readonly string[]): string {
  const file = join(root, "examples", "engine", name);
  const imports = [...readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)]
    .map(([, path]) => path).filter((path) => !path.startsWith("node:"));
  assert.deepEqual(imports, ["../../engine/mod.ts"]);
  const [command, args] = scriptCommand(file, ...words);
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: root });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("a picture with nothing but the engine's module", () => {
  assert.match(said("draw.ts", "a photo of a gnome"), /^1x3x128x128, mean colour( \d+){3}$/m);
});

test("a training step with nothing but the engine's module lowers the loss that it is of", () => {
  const [before, after] = said("step.ts").match(/\d\.\d+/g)!.map(Number);
  assert.ok(after < before, `${after} is not below ${before}`);
});
