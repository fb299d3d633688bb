// A card that vanishes in the middle of a training: ONNX Runtime in a process of its own, as for every
// card, is killed after the second step. The state of that step is kept, and another process goes on
// from it to the bits of a training that nobody disturbed.
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { Device } from "../../engine/device/device.ts";
import { averageRows } from "../../engine/optimise/averaged-rows.ts";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import { normals } from "../../engine/random/draw.ts";
import { Engine } from "../../engine/session/engine.ts";
import { openModel } from "../../engine/weights/model.ts";
import type { RunEvent } from "../../inversion/events.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { planBatches } from "./batch-plan.ts";
import { gradientTools } from "./gradient.fixture.ts";
import type { OptimiseOptions } from "./options.ts";
import { train } from "./train.ts";
import type { Training } from "./training.ts";
import {
  type EncoderPair,
  load,
  rowsOf,
  save,
  trainedRows,
  type TrainingState,
} from "./training-state.ts";
import { testOrigin } from "../../runtime/testing/origin.ts";

const model = await openModel(
  fileURLToPath(new URL("../../tests/golden/c/model", import.meta.url)),
);
const sizes = [[6, 4], [4, 6], [6, 4]] as const;

interface Attempt {
  readonly device: Device;
  readonly runDir: string;
  readonly said: number[];
  /** Told the steps that are on disk. */
  readonly onStep?: (step: number) => void;
  /** Measures rows; by default nothing is measured. */
  readonly fixedLoss?: Training["fixedLoss"];
  readonly emaDecay?: number;
}

const options = {
  optimizer: { optimizer_type: "AdamW" },
  lr_scheduler: "constant",
  early_stop: false,
};

/** As the stage trains it, without snapshots and requests. */
function trainingOn({ device, runDir, said, onStep, fixedLoss, emaDecay }: Attempt): Training {
  const engine = new Engine({ model, device, compute: "float32", plan: "A" });
  const gradient = gradientTools(engine, sizes);
  return {
    options: { ...options, ema_decay: emaDecay ?? null } as OptimiseOptions,
    fixedEvery: fixedLoss === undefined ? null : 1,
    heldOut: true,
    poolings: ["argmax"],
    wordLoss: null,
    batchPlan: planBatches(sizes.map(String), {
      seed: 1,
      train_batch_size: 2,
      gradient_accumulation_steps: gradient.accumulation,
      max_train_steps: 4,
      max_train_epochs: null,
    }),
    gradient,
    rate: () => 1e-2,
    fixedLoss: fixedLoss ?? (() => Effect.die("not measured")),
    stats: () => Effect.succeed([]),
    publisher: {
      isDue: () => false,
      due: ({ step }) => Effect.sync(() => onStep?.(step)),
      asked: () => Effect.void,
    },
    tools: {
      runDir,
      run: { origin: testOrigin },
      stopRequested: () => false,
      requests: () => Effect.succeed([]),
      progress: () => Effect.void,
      emit: (event: RunEvent) =>
        Effect.sync(() => void (event.event === "step" && said.push(event.step))),
    } as unknown as StageTools,
  };
}

function beginning(): TrainingState {
  const { textEncoder, textEncoder2 } = model.configs;
  const rows = [textEncoder, textEncoder2].map(({ hidden_size }, item) =>
    normals({ seed: 5, purpose: "rows", step: 0, item }, hidden_size)
  );
  const { rules } = gradientTools({ model } as Engine, sizes);
  return {
    step: 0,
    optimizer: startOptimizer(rules.optimizer, rows),
    average: null,
    initial: [rows[0], rows[1]],
    fixedLosses: new Float64Array(0),
    fixedSteps: new Float64Array(0),
    best: null,
    before: null,
    early: false,
    events: [],
  };
}

const isolated = () =>
  new Device({ provider: "cpu", threads: 1, mapWeights: true, isolated: true });

test("a card that vanishes: a fault that says how to go on, from the last step, to the same bits", () =>
  withTemporaryFolder(async (runDir) => {
    const said: number[] = [];
    const first = isolated();
    await Effect.runPromise(save({ runDir, run: { origin: testOrigin } }, beginning()));
    const onStep = (step: number) => void (step === 2 && process.kill(first.processId, "SIGKILL"));
    const lost = await Effect.runPromise(
      Effect.flip(train(trainingOn({ device: first, runDir, said, onStep }), beginning())),
    );
    assert.deepEqual([lost._tag, lost.kind], ["DeviceLostFault", "world"]);
    assert.match(lost.message, /SIGKILL.*resume the run/);

    const kept = (await Effect.runPromise(load(runDir, "AdamW")))!;
    assert.equal(kept.step, 2);
    const second = isolated();
    const resumed = await Effect.runPromise(
      train(trainingOn({ device: second, runDir, said }), kept),
    );
    await second.close();
    assert.deepEqual(said, [1, 2, 2, 3, 4], "the log drops the step that it has");

    const calm = new Device({ provider: "cpu", threads: 1, mapWeights: true });
    const undisturbed = await Effect.runPromise(
      train(trainingOn({ device: calm, runDir, said: [] }), beginning()),
    );
    await calm.close();
    assert.deepEqual(resumed.optimizer, undisturbed.optimizer);
    assert.notDeepEqual(resumed.optimizer.rows, kept.optimizer.rows);
  }));

test("the first step is told before the rows it began with are measured; a death between changes nothing", () =>
  withTemporaryFolder(async (runDir) => {
    const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
    const said: number[] = [];
    const squares = (rows: EncoderPair) => rows[0].reduce((all, value) => all + value * value, 0);
    const sum: Training["fixedLoss"] = (rows) =>
      Effect.sync(() => ({ mean: squares(rows), each: rows[0] }));
    const dies: Training["fixedLoss"] = () => {
      assert.deepEqual(said, [1]);
      return Effect.die("the power went out");
    };
    await Effect.runPromiseExit(train(
      trainingOn({ device, runDir, said, fixedLoss: dies }),
      beginning(),
    ));
    const kept = (await Effect.runPromise(load(runDir, "AdamW")))!;
    assert.deepEqual([kept.step, kept.fixedLosses.length, kept.best], [1, 0, null]);

    const goOn = trainingOn({ device, runDir, said, fixedLoss: sum });
    const resumed = await Effect.runPromise(train(goOn, kept));
    const undisturbed = await Effect.runPromise(
      train(trainingOn({ device, runDir, said: [], fixedLoss: sum }), beginning()),
    );
    await device.close();
    assert.deepEqual(resumed.fixedLosses, undisturbed.fixedLosses);
    assert.deepEqual(resumed.best, undisturbed.best);
    assert.deepEqual(resumed.optimizer, undisturbed.optimizer);
    const { initial } = beginning();
    assert.equal(resumed.fixedLosses.length, 5);
    assert.equal(resumed.fixedLosses[0], squares(initial));
    assert.deepEqual(resumed.fixedSteps, Float64Array.of(0, 1, 2, 3, 4));
  }));

test("a mean of the rows is kept beside them: they train on, and it is what is measured", () =>
  withTemporaryFolder(async (runDir) => {
    const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
    const [measured, rows]: [EncoderPair[], Float64Array[]] = [[], []];
    const fixedLoss: Training["fixedLoss"] = (shown) =>
      Effect.sync(() => {
        measured.push(shown);
        return { mean: 1, each: new Float64Array(2) };
      });
    const at = { device, runDir, said: [], fixedLoss };
    const plain = await Effect.runPromise(train(trainingOn(at), beginning()));
    measured.length = 0;
    await Effect.runPromise(save({ runDir, run: { origin: testOrigin } }, beginning()));
    const onStep = async () => {
      const { optimizer } = (await Effect.runPromise(load(runDir, "AdamW")))!;
      rows.push(optimizer.rows[0]);
    };
    const training = trainingOn({ ...at, emaDecay: 0.3 });
    const publisher = { ...training.publisher, due: () => Effect.promise(onStep) };
    const last = await Effect.runPromise(train({ ...training, publisher }, beginning()));
    await device.close();

    assert.deepEqual(last.optimizer, plain.optimizer, "the mean trains nothing");
    // rows[0] is told before the first step.
    let mean: readonly Float64Array[] = [rows[0]];
    const wanted = rows.slice(1).map((values, i) => mean = averageRows(mean, [values], 0.3, i + 1));
    assert.deepEqual(measured.map(([first]) => first), [rows[0], ...wanted.map(([all]) => all)]);
    assert.deepEqual(rowsOf(last)[0], mean[0]);
    assert.notDeepEqual(rowsOf(last), trainedRows(last));
    const kept = (await Effect.runPromise(load(runDir, "AdamW")))!;
    assert.deepEqual(kept.average, last.average);
  }));
