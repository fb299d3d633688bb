// A card that vanishes in the middle of a training: ONNX Runtime in a process of its own, as for every
// card, is killed after the second step. The state of that step is kept, and another process goes on
// from it to the bits of a training that nobody disturbed.
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect } from "effect";
import { Device } from "../../engine/device/device.ts";
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
import { train, type Training } from "./train.ts";
import { load, save, type TrainingState } from "./training-state.ts";

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
}

/** As the stage trains it, without snapshots and requests. */
function trainingOn({ device, runDir, said, onStep, fixedLoss }: Attempt): Training {
  const engine = new Engine({ model, device, compute: "float32", plan: "A" });
  const gradient = gradientTools(engine, sizes);
  return {
    options: { fixed_loss_every: fixedLoss === undefined ? null : 1 } as OptimiseOptions,
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
    initial: [rows[0], rows[1]],
    fixedLosses: new Float64Array(0),
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
    await Effect.runPromise(save(runDir, beginning()));
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
    const sum: Training["fixedLoss"] = (rows) =>
      Effect.sync(() => rows[0].reduce((total, value) => total + value * value, 0));
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
    assert.equal(resumed.fixedLosses[0], await Effect.runPromise(sum(initial)));
  }));
