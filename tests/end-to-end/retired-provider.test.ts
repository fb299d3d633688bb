// A run that an older gnomic trained with `provider: coreml`, which is gone: its manifest is read, its own
// command says what to do, and with that it goes on where it was.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, refusalOf, runIn, stepsOf, trainingIn } from "./project.ts";

const quick = { validation_prompts: [], fixed_loss_every: null, max_train_steps: 4 };

test("a run with coreml in its manifest goes on with --set provider=cpu", () =>
  withTemporaryFolder(async (folder) => {
    const first = await gnomic([...trainingIn(folder, quick), "--to-step", "2"]);
    assert.equal(first.code, 0, first.stderr);
    const file = join(runIn(folder), "run.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    const { configuration } = manifest;
    writeFileSync(
      file,
      JSON.stringify({
        ...manifest,
        device: "coreml",
        configuration: { ...configuration, provider: "coreml" },
      }),
    );

    const auto = await refusalOf(trainingIn(folder, { ...quick, provider: "auto" }));
    assert.match(auto, /coreml/);
    assert.match(auto, /--set provider=/);
    const asked = await refusalOf(trainingIn(folder, { ...quick, provider: "coreml" }));
    assert.match(asked, /webgpu/);

    const on = await gnomic([
      ...trainingIn(folder, { ...quick, provider: "auto" }),
      ...["--set", "provider=cpu"],
    ]);
    assert.equal(on.code, 0, on.stderr);
    assert.deepEqual(stepsOf(runIn(folder)), [1, 2, 3, 4]);
    assert.equal(JSON.parse(readFileSync(file, "utf8")).device, "cpu");
  }));
