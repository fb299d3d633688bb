// examples/engine imports the engine's module and nothing else of gnomic, and runs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scriptCommand } from "../../runtime/platform/runtime.ts";
import { root } from "../end-to-end/project.ts";

const file = join(root, "examples", "engine", "draw.ts");

test("a picture with nothing but the engine's module", () => {
  const imports = [...readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)].map(([, path]) =>
    path
  );
  assert.deepEqual(imports, ["node:process", "../../engine/mod.ts"]);
  const [command, args] = scriptCommand(file, "a photo of a gnome");
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: root });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^1x3x128x128, mean colour( \d+){3}$/m);
});
