// Cards that go wrong, through the program: a clear message, exit 3 with how to go on, and a state from which
// the run then ends with the bytes of one that nothing happened to. And a card that is not there.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "../../runtime/testing/child.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, resultsOf, root, runIn, stepsOf, trainingIn } from "./project.ts";

const quick = { validation_prompts: [], fixed_loss_every: null, max_train_steps: 4 };
const failingCard = fileURLToPath(new URL("./failing-card.ts", import.meta.url));

/** What a card says, and what the user is told. */
const faults: Readonly<Record<string, readonly [says: string, told: readonly RegExp[]]>> = {
  "a card that vanishes": [
    "CUDA failure 719: unspecified launch failure ; GPU=0 ; hostname=x ; expr=cudaStreamSynchronize",
    [/device to stay/, /failure 719/, /resume the run, with another provider/],
  ],
  "memory that another program takes": [
    "bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 4294967296",
    [/plan B from now on/, /plan C from now on/, /end other programs that hold the card's memory/],
  ],
  "a driver that is updated under the training": [
    "CUDA failure 803: system has unsupported display driver / cuda driver combination ; GPU=0",
    [
      /failure 803/,
      /driver was updated while it was in use: restart the machine/,
      /resume the run/,
    ],
  ],
};

test("a card fails in the third step: said, exit 3, and the run goes on from the second", () =>
  withTemporaryFolder(async (calm) => {
    const undisturbed = await gnomic(trainingIn(calm, quick));
    assert.equal(undisturbed.code, 0, undisturbed.stderr);
    for (const [name, [says, told]] of Object.entries(faults)) {
      await withTemporaryFolder(async (folder) => {
        const command = trainingIn(folder, quick);
        const { code, stdout, stderr } = await startChild(failingCard, command, {
          cwd: root,
          env: { GNOMIC_CARD_SAYS: says, GNOMIC_CARD_AFTER: "2" },
        }).ended;
        assert.equal(code, 3, `${name}: ${stdout}${stderr}`);
        for (const text of told) assert.match(stdout + stderr, text, name);
        assert.deepEqual(stepsOf(runIn(folder)), [1, 2], name);
        // The state is that of the second step whatever the fault was: one is gone on with.
        if (name !== "a card that vanishes") return;
        const resumed = await gnomic(command);
        assert.equal(resumed.code, 0, `${name}: ${resumed.stderr}`);
        assert.deepEqual(stepsOf(runIn(folder)), [1, 2, 3, 4], name);
        assert.deepEqual(resultsOf(runIn(folder)), resultsOf(runIn(calm)), name);
      });
    }
  }));

const smi = `#!/bin/sh
echo "0, NVIDIA GeForce RTX 3060, GPU-1, 12288, 11000, 580.65, 8.6"
echo "1, NVIDIA GeForce RTX 4090, GPU-2, 24564, 23000, 580.65, 8.9"
`;

test("a card that is not there: those that are, by index", {
  skip: process.platform !== "linux" || process.arch !== "x64",
}, () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "nvidia-smi"), smi, { mode: 0o755 });
    const command = [...trainingIn(folder, quick), "--provider", "webgpu", "--set", "device=2"];
    const { code, stderr } = await gnomic(command, {
      env: { PATH: `${folder}:${process.env.PATH}` },
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^device: .*found 2 among 0: .*RTX 3060, 1: .*RTX 4090/m);
  }));
