// A sweep's trials are planned over the runs that are there, of which each is read once, however many trials
// there are.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { Files } from "../lib/files.ts";
import { manifestFile } from "../runtime/run-folder/run-files.ts";
import { makeRun } from "../runtime/testing/make-run.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { trainingIn } from "../tests/end-to-end/project.ts";
import { readCommandLine } from "./command-line.ts";
import { sweepCommand } from "./sweep.ts";

test("each run that is there is read once, not once for each trial", () =>
  withTemporaryFolder(async (folder) => {
    const base = join(folder, "output");
    trainingIn(folder, { validation_prompts: [], base_output_dir: base });
    const file = join(folder, "sweep.yaml");
    const matrix = { seed: [1, 2, 3] };
    const sweep = { sweep: "seeds", pipeline: "sdxl-ti", config: "training.yaml", matrix };
    writeFileSync(file, JSON.stringify({ ...sweep, rank: { by: "fixed_loss" } }));
    await makeRun(base, { name: "other-12345678" });
    const other = manifestFile(join(base, "other-12345678"));
    const real = Effect.runSync(Files);
    let reads = 0;
    const counting = {
      ...real,
      readFileString: (path: string, encoding?: string) => {
        if (path === other) reads++;
        return real.readFileString(path, encoding);
      },
    };
    const { args, options } = readCommandLine(sweepCommand, ["run", file, "--dry-run"]);
    const lines: string[] = [];
    await Effect.runPromise(
      sweepCommand.run(args, options, { print: (line) => void lines.push(line) }).pipe(
        Effect.provideService(Files, counting),
      ),
    );
    assert.ok(lines.some((line) => /\b3\b/.test(line)), lines.join("\n"));
    assert.equal(reads, 1);
  }));
