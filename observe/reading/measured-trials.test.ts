// Trials that are ranked together though their losses were measured on different things.
import assert from "node:assert/strict";
import { test } from "node:test";
import { measuredManifest } from "../../inversion/testing/measured-manifest.ts";
import { makeRun } from "../../runtime/testing/make-run.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { incomparableTrials } from "./measured-trials.ts";

test("each way of measuring is named once, against the best of its group", () =>
  withTemporaryFolder(async (base) => {
    const trial = async (trial: number, seed: number, group = "") => ({
      trial,
      group,
      loss: trial / 10,
      run: await makeRun(base, { name: `${trial}`, manifest: { ...measuredManifest, seed } }),
    });
    const rows = [await trial(1, 1), await trial(4, 2), await trial(3, 1), await trial(2, 2)];
    assert.deepEqual(await incomparableTrials(rows), [
      "Trials 2, 4: not measured as trial 1, so these losses do not compare (seed 2 against 1).",
    ]);
    const seeds = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((n) => trial(n + 10, n)));
    assert.deepEqual(await incomparableTrials(seeds), [
      "Trials 12, 13, 14, 15, 16, 17, 18: not measured as trial 11, so these losses do not compare " +
      "(seed 2, 3, 4, 5, 6 and 2 more against 1).",
    ]);
    // One winner for each group: between groups nothing is ranked.
    const apart = [await trial(5, 1, "a"), await trial(6, 2, "b")];
    assert.deepEqual(await incomparableTrials(apart), []);
  }));

test("of trials without a loss, and of runs that are not here, nothing is said", () =>
  withTemporaryFolder(async (base) => {
    const run = await makeRun(base, { name: "1", manifest: { ...measuredManifest, seed: 1 } });
    const other = await makeRun(base, { name: "2", manifest: { ...measuredManifest, seed: 2 } });
    const row = { group: "", loss: 1 };
    assert.deepEqual(
      await incomparableTrials([
        { ...row, trial: 1, run },
        { ...row, trial: 2, run: other, loss: null },
        { ...row, trial: 3, run: null },
        { ...row, trial: 4, run: `${base}/gone` },
        { ...row, trial: 5, run: await makeRun(base, { name: "5" }) },
      ]),
      [],
    );
  }));
