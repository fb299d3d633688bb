import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import {
  type OptimizerName,
  type OptimizerOptions,
  optimizers,
  startOptimizer,
  stepOptimizer,
} from "./optimizer.ts";
import type { Rows } from "./rows.ts";
import { OptimizerStateFault, stateFromTensors, stateToTensors } from "./state-tensors.ts";

const golden = (name: string) =>
  fileURLToPath(new URL(`../../tests/golden/${name}`, import.meta.url));
const tensors = await readSafetensors(golden("optimizers.safetensors"));
const runs: GoldenRun[] = JSON.parse(await readFile(golden("optimizers.json"), "utf8"));
const get = (name: string) => tensors.get(name)!.data as Float64Array;
const both = (run: number, kind: string, i?: number): Rows =>
  [1, 2].map((encoder) => get(`${run}_${kind}${encoder}${i === undefined ? "" : `_${i}`}`));

interface GoldenRun {
  readonly optimizer: "AdamW" | "Prodigy";
  readonly lr: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly use_bias_correction: boolean;
  readonly safeguard_warmup: boolean;
}

const optionsOf = ({ optimizer, betas, eps, ...same }: GoldenRun): OptimizerOptions =>
  optimizer === "AdamW"
    ? { optimizer_type: optimizer, beta1: betas[0], beta2: betas[1], epsilon: eps, ...same }
    : { optimizer_type: optimizer, ...same };

const STEPS = 30;

for (const [index, run] of runs.entries()) {
  const options = optionsOf(run);
  const title = `${index} ${JSON.stringify(run)}`;

  test(`${title}: the golden trajectory`, () => {
    let state = startOptimizer(options, both(index, "start"));
    for (let i = 0; i < STEPS; i++) {
      state = stepOptimizer(state, both(index, "grad", i), [run.lr, run.lr], options);
      both(index, "rows", i).forEach((wanted, encoder) =>
        wanted.forEach((value, k) => {
          const got = state.rows[encoder][k];
          assert.ok(Math.abs(got - value) <= 1e-11 * Math.abs(value), `step ${i}: ${got} ${value}`);
        })
      );
      if (state.optimizer_type === "Prodigy") {
        const [wanted] = get(`${index}_d_${i}`);
        // Stored after a trip through float32.
        assert.ok(Math.abs(state.d - wanted) <= 1e-7 * wanted, `d at step ${i}`);
      }
    }
  });

  test(`${title}: stopped and resumed anywhere, equal to the bit`, () => {
    const go = (from: number, to: number, start: ReturnType<typeof startOptimizer>) => {
      let state = start;
      for (let i = from; i < to; i++) {
        state = stepOptimizer(state, both(index, "grad", i), [run.lr, run.lr], options);
      }
      return state;
    };
    const start = startOptimizer(options, both(index, "start"));
    const whole = go(0, STEPS, start);
    for (const stop of [0, 1, 17]) {
      const saved = stateToTensors(go(0, stop, start));
      const copies = new Map([...saved].map(([name, values]) => [name, values.slice()]));
      assert.deepEqual(go(stop, STEPS, stateFromTensors(options.optimizer_type, copies)), whole);
    }
  });
}

const adamW = optionsOf(runs[0]);
const prodigy = optionsOf(runs[2]);
const rows = () => [Float64Array.of(1, 2), Float64Array.of(3)];

test("a step leaves the old state and the caller's rows alone", () => {
  for (const options of [adamW, prodigy]) {
    const given = rows();
    const first = startOptimizer(options, given);
    const before = structuredClone(first);
    stepOptimizer(first, [Float64Array.of(1, -1), Float64Array.of(2)], [0.1, 0.1], options);
    assert.deepEqual(first, before);
    assert.deepEqual(given, rows());
  }
});

test("Prodigy at rate 0, or with no gradient at all, moves nothing", () => {
  const first = startOptimizer(prodigy, rows());
  const gradients = [Float64Array.of(1, -1), Float64Array.of(2)];
  assert.deepEqual(stepOptimizer(first, gradients, [0, 0], prodigy), first);
  const still = stepOptimizer(first, gradients.map((g) => g.map(() => 0)), [1, 1], prodigy);
  assert.deepEqual(still.rows, first.rows);
  assert.equal(still.step, 0);
});

test("a saved state that does not fit is a fault that names the tensor", () => {
  const saved = stateToTensors(startOptimizer(adamW, rows()));
  const fails = (changed: Map<string, Float64Array>, tensor: string, kind = adamW) =>
    assert.throws(
      () => stateFromTensors(kind.optimizer_type, changed),
      (error) => error instanceof OptimizerStateFault && error.tensor === tensor,
    );
  fails(new Map(saved).set("expAvg.1", new Float64Array(7)), "expAvg.1");
  fails(new Map([...saved].filter(([name]) => name !== "step")), "step");
  fails(new Map(), "rows.0");
  fails(saved, "start.0", prodigy);
});

test("whatever stands in the table has golden runs, starts as itself, and forgets nothing in a file", () => {
  const names = Object.keys(optimizers) as OptimizerName[];
  assert.deepEqual(new Set(runs.map(({ optimizer }) => optimizer)), new Set(names));
  for (const name of names) {
    const options = optionsOf(runs.find(({ optimizer }) => optimizer === name)!);
    const begun = startOptimizer(options, rows());
    assert.equal(begun.optimizer_type, name);
    const gradients = [Float64Array.of(1, -1), Float64Array.of(2)];
    const state = stepOptimizer(begun, gradients, [0.1, 0.1], options);
    const kept = new Map([...stateToTensors(state)].map(([key, values]) => [key, values.slice()]));
    assert.deepEqual(stateFromTensors(name, kept), state);
  }
});
