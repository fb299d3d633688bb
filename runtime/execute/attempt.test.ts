// The manifest of a run that is killed names what its finished stages made.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "../testing/child.ts";
import { withTemporaryFolder } from "../testing/temporary-folder.ts";

const training = fileURLToPath(new URL("../testing/toy-training.ts", import.meta.url));

test("outputs are in the manifest as soon as their stage has finished, and survive a kill", () =>
  withTemporaryFolder(async (folder) => {
    const child = startChild(training, [folder, "1000", "20"]);
    let running = true;
    const ended = child.ended.finally(() => running = false);
    const output = join(folder, "output");
    const outputs = (): Record<string, unknown> => {
      const names = existsSync(output) ? readdirSync(output) : [];
      const run = names.find((name) => existsSync(join(output, name, "run.json")));
      return run === undefined
        ? {}
        : JSON.parse(readFileSync(join(output, run, "run.json"), "utf8")).outputs;
    };
    while (running && !("split" in outputs())) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(running, true, "the training ended before its manifest named anything");
    child.process.kill("SIGKILL");
    await ended;
    assert.deepEqual(Object.keys(outputs()), ["split"]);
    assert.match(JSON.stringify(outputs()["split"]), /[0-9a-f]{64}/);
  }));
