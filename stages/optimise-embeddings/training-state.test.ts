// What is written and read back is the same to the bit, for both optimizers.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { startOptimizer, stepOptimizer } from "../../engine/optimise/optimizer.ts";
import { normals } from "../../engine/random/draw.ts";
import { loadState, saveState } from "../../runtime/run-folder/state.ts";
import { load, save, type TrainingState } from "./training-state.ts";
import { testOrigin } from "../../runtime/testing/origin.ts";
import { type StoredTensor, writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import type { Fault } from "../../lib/fault.ts";
import type { RunEvent } from "../../inversion/events.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";

const draw = (item: number, n = 6) => normals({ seed: 1, purpose: "test", step: 0, item }, n);
const options = {
  AdamW: { optimizer_type: "AdamW", beta1: 0.9, beta2: 0.999, weight_decay: 0.01, epsilon: 1e-8 },
  Prodigy: {
    optimizer_type: "Prodigy",
    weight_decay: 0,
    use_bias_correction: true,
    safeguard_warmup: false,
  },
} as const;

for (const kind of ["AdamW", "Prodigy"] as const) {
  test(`${kind}: a state survives its file`, async () => {
    const runDir = await mkdtemp(join(tmpdir(), "gnomic-state-"));
    try {
      const started = startOptimizer(options[kind], [draw(0), draw(1)]);
      const optimizer = stepOptimizer(started, [draw(2), draw(3)], [1e-2, 1e-2], options[kind]);
      const state: TrainingState = {
        step: 1,
        optimizer,
        average: [draw(7), draw(8)],
        initial: [draw(0), draw(1)],
        fixedLosses: draw(4, 3),
        fixedSteps: Float64Array.of(0, 5, 7),
        best: { step: 1, epoch: 0, loss: 1 / 3, rows: [draw(5), draw(6)], losses: draw(9) },
        before: [0.1 + 0.2, 1 / 3],
        early: false,
        events: [{ event: "note", at: 1, text: 'a "quoted" text' }],
      };
      await Effect.runPromise(save({ runDir, run: { origin: testOrigin } }, state));
      assert.deepEqual(await Effect.runPromise(load(runDir, kind)), state);
      const other = kind === "AdamW" ? "Prodigy" : "AdamW";
      await assert.rejects(Effect.runPromise(load(runDir, other)), /OptimizerStateFault|optimizer/);
    } finally {
      await rm(runDir, { recursive: true });
    }
  });
}

test("a run without a state has none", async () => {
  assert.equal(await Effect.runPromise(load(join(tmpdir(), "gnomic-no-such-run"), "AdamW")), null);
});

test("a state of before steps, losses of items and means were kept: what it lacks is worked out", async () => {
  const runDir = await mkdtemp(join(tmpdir(), "gnomic-state-"));
  try {
    const state: TrainingState = {
      step: 23,
      optimizer: startOptimizer(options.AdamW, [draw(0), draw(1)]),
      average: null,
      initial: [draw(0), draw(1)],
      fixedLosses: draw(4, 5),
      fixedSteps: new Float64Array(),
      best: { step: 15, epoch: 0, loss: 1 / 3, rows: [draw(5), draw(6)], losses: draw(9) },
      before: null,
      early: false,
      events: [],
    };
    await Effect.runPromise(save({ runDir, run: { origin: testOrigin } }, state));
    const { tensors, metadata } = (await Effect.runPromise(loadState(runDir)))!;
    const notes = JSON.stringify({ ...JSON.parse(metadata.notes), before: 0.25 });
    const older = new Map(
      [...tensors].filter(([name]) => !["fixed_steps", "best.losses"].includes(name))
        .map(([name, { data }]) => {
          const values = data as Float64Array;
          return [name, { dtype: "F64" as const, shape: [values.length], data: values }] as const;
        }),
    );
    await Effect.runPromise(
      saveState(runDir, testOrigin, older, { ...metadata, notes, step: "23" }),
    );
    const read = (await Effect.runPromise(load(runDir, "AdamW")))!;
    assert.deepEqual(read.before, [0.25], "one rule of pooling");
    assert.deepEqual(read.fixedSteps, Float64Array.of(0, 5, 10, 15, 20), "it was every fifth");
    assert.deepEqual(read.best, { ...state.best, losses: new Float64Array() });
  } finally {
    await rm(runDir, { recursive: true });
  }
});

/** A state as before there were digests, with something of it changed. */
async function damagedState(change: (written: Older) => Older): Promise<Fault> {
  return await withTemporaryFolder(async (runDir) => {
    const said: RunEvent = {
      event: "step",
      at: 0,
      step: 1,
      epoch: 0,
      loss: 1,
      lr: 1,
      gradientNorm: 1,
      gradientShare: [1, 0],
      seconds: 1,
      rssBytes: 1,
    };
    const state: TrainingState = {
      step: 1,
      optimizer: startOptimizer(options.AdamW, [draw(0), draw(1)]),
      average: null,
      initial: [draw(0), draw(1)],
      fixedLosses: draw(4, 1),
      fixedSteps: Float64Array.of(0),
      best: null,
      before: null,
      early: false,
      events: [said],
    };
    await Effect.runPromise(save({ runDir, run: { origin: testOrigin } }, state));
    const { tensors, metadata } = (await Effect.runPromise(loadState(runDir)))!;
    const write = (written: Older) =>
      writeSafetensors(join(runDir, "state.safetensors"), written.tensors, written.metadata);
    await write({ tensors, metadata });
    assert.equal((await Effect.runPromise(load(runDir, "AdamW")))?.step, 1);
    await write(change({ tensors, metadata }));
    return await Effect.runPromise(Effect.flip(load(runDir, "AdamW")));
  });
}

interface Older {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const without = (tensors: Older["tensors"], name: string) =>
  new Map([...tensors].filter(([each]) => each !== name));

test("a state that no digest vouches for is checked as far as it can be", async () => {
  const changes: Record<string, (written: Older) => Older> = {
    "another step": ({ tensors, metadata }) => ({
      tensors,
      metadata: { ...metadata, step: "100000" },
    }),
    "notes of nothing": ({ tensors, metadata }) => ({
      tensors,
      metadata: { ...metadata, notes: "{}" },
    }),
    "no notes": ({ tensors, metadata: { step } }) => ({ tensors, metadata: { step } }),
    "a tensor less": ({ tensors, metadata }) => ({
      tensors: without(tensors, "initial.0"),
      metadata,
    }),
    "a moment less": ({ tensors, metadata }) => ({
      tensors: without(tensors, "optimizer.expAvg.1"),
      metadata,
    }),
    "no number": ({ tensors, metadata }) => ({
      tensors: new Map(tensors).set("optimizer.rows.0", {
        dtype: "F64",
        shape: [6],
        data: new Float64Array(6).fill(NaN),
      }),
      metadata,
    }),
    "another type": ({ tensors, metadata }) => ({
      tensors: new Map(tensors).set("initial.1", {
        dtype: "F32",
        shape: [6],
        data: new Float32Array(6),
      }),
      metadata,
    }),
    "rows of another size": ({ tensors, metadata }) => ({
      tensors: new Map(tensors).set("initial.1", {
        dtype: "F64",
        shape: [5],
        data: new Float64Array(5),
      }),
      metadata,
    }),
  };
  for (const [name, change] of Object.entries(changes)) {
    const { _tag, kind, message } = await damagedState(change);
    assert.deepEqual([_tag, kind], ["DamagedState", "world"], `${name}: ${message}`);
  }
});
