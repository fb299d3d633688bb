// A run that an older gnomic trained with `provider: coreml`, which is gone: its manifest is read, its own
// command says what to do, and with that it goes on where it was.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { eventsOf, gnomic, runIn, trainingIn } from "./project.ts";

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

    const auto = await gnomic(trainingIn(folder, { ...quick, provider: "auto" }));
    assert.equal(auto.code, 2, auto.stderr);
    assert.match(auto.stderr, /coreml/);
    assert.match(auto.stderr, /--set provider=/);
    const asked = await gnomic(trainingIn(folder, { ...quick, provider: "coreml" }));
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /webgpu/);

    const on = await gnomic([
      ...trainingIn(folder, { ...quick, provider: "auto" }),
      ...["--set", "provider=cpu"],
    ]);
    assert.equal(on.code, 0, on.stderr);
    const steps = eventsOf(runIn(folder)).flatMap((event) =>
      event.event === "step" ? [event.step] : []
    );
    assert.deepEqual(steps, [1, 2, 3, 4]);
    assert.equal(JSON.parse(readFileSync(file, "utf8")).device, "cpu");
  }));
