// Validations that an earlier process dealt with and was killed before it said so: they are said from their
// record, as they went, and nothing is drawn (there is no model here to draw with).
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect, Schema, Stream } from "effect";
import type { Snapshot } from "../../inversion/artefacts/snapshots.ts";
import type { Validation } from "../../inversion/artefacts/validations.ts";
import { DiskFault } from "../../lib/disk-fault.ts";
import { memoryTools } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { ValidateOptions } from "./options.ts";
import { validate } from "./stage.ts";
import { writeRecord } from "./validation-record.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const options = Schema.decodeUnknownSync(ValidateOptions)({
  seed: 1,
  placeholder_token: "bruce",
  model: "./no-model-here",
  validation_prompts: ["bruce"],
  data_loader: { resolution: 64 },
});

const snapshot = (step: number, prompts: readonly string[] | null): Snapshot => ({
  step,
  epoch: 0,
  rows: { blob: { digest: "0".repeat(64), bytes: 1 }, vectors: 1, widths: [1, 1] },
  save: false,
  validate: { prompts },
  best: null,
  last: false,
  early: false,
});

async function hears(runDir: string, snapshots: readonly Snapshot[]) {
  const tools = { ...memoryTools(), runDir };
  const told: Validation[] = [];
  await Effect.runPromise(validate.run({
    options,
    inputs: { snapshots: Stream.fromIterable(snapshots) },
    writers: { validations: (each) => Effect.sync(() => void told.push(each)) },
    tools,
  }));
  return { told, events: tools.events };
}

const kept = (runDir: string, name: string, record: Parameters<typeof writeRecord>[1]) => {
  const folder = join(runDir, "validation", name);
  mkdirSync(folder, { recursive: true });
  return Effect.runPromise(writeRecord(folder, record));
};

test("what is on record is said as it went", () =>
  withTemporaryFolder(async (folder) => {
    const prompts = ["bruce"];
    const done = { step: 2, epoch: 0, outcome: "done", prompts, seconds: 7 } as const;
    await kept(folder, "epoch_00000000-step_00000002", done);
    const failed = { step: 4, epoch: 0, outcome: "failed", prompts, error: "no memory" } as const;
    await kept(folder, "epoch_00000000-step_00000004", failed);
    const { told, events } = await hears(folder, [snapshot(2, null), snapshot(4, null)]);
    assert.deepEqual(events, [
      { event: "validation-finished", step: 2, epoch: 0, seconds: 7 },
      { event: "validation-failed", step: 4, epoch: 0, error: "no memory" },
    ]);
    assert.deepEqual(told.map(({ outcome }) => outcome), ["done", "failed"]);
  }));

test("other prompts at the same step are another validation", () =>
  withTemporaryFolder(async (folder) => {
    const { events } = await hears(folder, [snapshot(2, null), snapshot(2, ["in the snow"])]);
    const ends = events.filter(({ event }) => event === "validation-failed");
    assert.equal(new Set(ends.map((end) => "asked" in end ? end.asked : "")).size, 2);
  }));

test("one that fails is recorded and not tried again; a damaged record is none", () =>
  withTemporaryFolder(async (folder) => {
    const record = join(folder, "validation/epoch_00000000-step_00000002/validation.json");
    const first = await hears(folder, [snapshot(2, null)]);
    const text = readFileSync(record, "utf8");
    assert.deepEqual((await hears(folder, [snapshot(2, null)])).events, first.events);
    writeFileSync(record, text.slice(0, 20));
    await hears(folder, [snapshot(2, null)]);
    assert.equal(JSON.parse(readFileSync(record, "utf8")).outcome, "failed");
  }));

test("a validation that a full disk kept from being written is due again", () =>
  withTemporaryFolder(async (folder) => {
    const tools = { ...memoryTools(), runDir: folder };
    const full = new DiskFault({ wanted: "to read", found: "a full disk (ENOSPC)", fix: "" });
    const ending = await Effect.runPromise(Effect.result(validate.run({
      options: { ...options, model: join(root, "sample_data/tiny-sdxl") },
      inputs: { snapshots: Stream.fromIterable([snapshot(2, null)]) },
      writers: { validations: () => Effect.void },
      tools: { ...tools, get: () => Effect.fail(full) },
    })));
    assert.equal(ending._tag === "Failure" && ending.failure, full);
    assert.ok(!existsSync(join(folder, "validation/epoch_00000000-step_00000002/validation.json")));
    assert.ok(!tools.events.some(({ event }) => event === "validation-failed"));
  }));
