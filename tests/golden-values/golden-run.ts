// One of the golden runs of twelve micro-steps on any device: the engine's gradients, AdamW, accumulation,
// clipping and the pull of the spread together, against PyTorch (tests/golden/README.md).
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Loader } from "../../engine/device/device.ts";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import { prepareStep } from "../../engine/diffusion/objective.ts";
import {
  addGradients,
  betweenBatches,
  noGradient,
  optimizerStep,
} from "../../engine/optimise/optimizer-step.ts";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import { relativeError } from "../../engine/probe/compare.ts";
import { tensor } from "../../engine/session/batch.ts";
import { Engine } from "../../engine/session/engine.ts";
import { openModel } from "../../engine/weights/model.ts";
import { readSafetensors, readTensor } from "../../lib/safetensors/safetensors.ts";

const kinds = {
  plain: { accumulation: 1, maxGradNorm: null, stdPull: "off" },
  pull_clip_accum: { accumulation: 2, maxGradNorm: 0.05, stdPull: "once" },
  pull_micro: { accumulation: 2, maxGradNorm: null, stdPull: "micro_step" },
} as const;
const adamW = {
  optimizer_type: "AdamW",
  beta1: 0.9,
  beta2: 0.999,
  weight_decay: 1e-2,
  epsilon: 1e-8,
} as const;
const LEARNING_RATE = 2e-3;
const EMBEDDINGS = "text_model.embeddings.token_embedding.weight";

/** Every loss, gradient norm and row within `tolerance` of PyTorch's, relatively. */
export async function checkGoldenRun(
  device: Loader,
  name: string,
  kind: keyof typeof kinds,
  tolerance = 1e-5,
): Promise<void> {
  const { accumulation, maxGradNorm, stdPull } = kinds[kind];
  const folder = fileURLToPath(new URL(`../golden/${name}/`, import.meta.url));
  const model = await openModel(`${folder}model`);
  const engine = new Engine({ model, device, compute: "float32", plan: "A" });
  const inputs = await readSafetensors(`${folder}inputs.safetensors`);
  const golden = await readSafetensors(`${folder}steps.safetensors`);
  const values = (from: typeof inputs, key: string) =>
    Float64Array.from(from.get(key)!.data as never, Number);
  const shape = inputs.get("latents")!.shape;
  const [batch, , height, width] = shape;
  const rowsOf = (key: string) => {
    const data = [...values(inputs, key)];
    const length = data.length / batch;
    return Array.from({ length: batch }, (_, b) => data.slice(b * length, (b + 1) * length));
  };
  const { textEncoder, textEncoder2 } = model.weights;
  const spreads = await Promise.all(
    [textEncoder, textEncoder2].map(async (weights) =>
      standardDeviation(await readTensor(weights.get(EMBEDDINGS)!))
    ),
  );
  const options = {
    schedule: noiseSchedule(model.configs.scheduler),
    minSnrGamma: 5,
    vMinSnr: "reference",
    maskNormalise: false,
  } as const;

  let state = startOptimizer(adamW, [values(inputs, "rows1"), values(inputs, "rows2")]);
  const rules = { optimizer: adamW, maxGradNorm, rateUnits: [1, 1], stdPull, spreads };
  let sum = noGradient(state.rows);
  for (let micro = 0; micro < 12; micro++) {
    const timesteps = [...values(golden, `t_${micro}`)];
    const noise = values(golden, `noise_${micro}`);
    const step = { shape, latents: values(inputs, "latents"), noise, timesteps };
    const { noisy, target, weight } = prepareStep(step, options);
    const { loss, grad1, grad2 } = await engine.trainStep({
      ids1: rowsOf("ids1"),
      ids2: rowsOf("ids2"),
      rows1: state.rows[0],
      rows2: state.rows[1],
      timesteps,
      timeIds: rowsOf("time_ids"),
      noisy: tensor(noisy, shape),
      target: tensor(target, shape),
      weight: tensor(weight, [batch, 1, height, width]),
    });
    const [wanted] = values(golden, `${kind}_loss_${micro}`);
    assert.ok(Math.abs(loss - wanted) < tolerance * wanted, `loss ${micro}: ${loss} for ${wanted}`);

    sum = addGradients(sum, [grad1, grad2], accumulation);
    const stepEnds = (micro + 1) % accumulation === 0;
    const done = (micro + 1) / accumulation - 1;
    if (stepEnds) {
      const moved = optimizerStep(state, sum, LEARNING_RATE, rules);
      if (maxGradNorm !== null) {
        const norm = values(golden, `${kind}_norm_${done}`);
        assert.ok(relativeError([moved.norm], norm) < 2 * tolerance, `norm ${done}`);
      }
      state = moved.state;
      sum = noGradient(state.rows);
    } else {
      state = betweenBatches(state, rules);
    }
    if (stepEnds) {
      state.rows.forEach((rows, i) => {
        const error = relativeError(rows, values(golden, `${kind}_rows${i + 1}_${done}`));
        assert.ok(error < tolerance, `rows${i + 1} after step ${done}: relative error ${error}`);
      });
    }
  }
}
