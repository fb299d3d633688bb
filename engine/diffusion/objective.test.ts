import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { goldenCase } from "../../tests/golden-values/golden-case.ts";
import { decodeSchedulerConfig } from "../networks/config.ts";
import { minSnrWeight } from "./min-snr.ts";
import { noiseSchedule } from "./noise-schedule.ts";
import { ObjectiveFault, prepareStep, type StepInputs } from "./objective.ts";

/** sum(weight * (prediction - target)^2), the weight's one channel for all. */
function lossOf(
  prediction: ArrayLike<number>,
  target: Float32Array,
  weight: Float32Array,
  [, channels, height, width]: readonly number[],
): number {
  const area = height * width;
  let loss = 0;
  for (let i = 0; i < target.length; i++) {
    const difference = prediction[i] - target[i];
    const place = Math.floor(i / (channels * area)) * area + (i % area);
    loss += weight[place] * difference * difference;
  }
  return loss;
}

const shapes = { a: [2, 4, 8, 12], b: [3, 4, 10, 6], c: [2, 4, 10, 6] };

for (const [name, shape] of Object.entries(shapes)) {
  test(`golden case ${name}: noisy latents and three losses`, async () => {
    const { scheduler, inputs, expected } = await goldenCase(name);
    const step: StepInputs = {
      shape,
      latents: inputs("latents"),
      noise: inputs("noise"),
      timesteps: [...inputs("t")],
    };
    const schedule = noiseSchedule(scheduler);
    const reference = { schedule, vMinSnr: "reference", maskNormalise: false } as const;
    const losses = {
      loss_plain: prepareStep(step, { ...reference, minSnrGamma: null }),
      loss_snr5: prepareStep(step, { ...reference, minSnrGamma: 5 }),
      loss_mask_snr5: prepareStep(
        { ...step, mask: inputs("mask") },
        { ...reference, minSnrGamma: 5 },
      ),
    };
    for (const [key, { noisy, target, weight }] of Object.entries(losses)) {
      const loss = lossOf(expected("pred"), target, weight, shape);
      const [wanted] = expected(key);
      assert.ok(Math.abs(loss - wanted) < 1e-6 * wanted, `${key} ${loss} ${wanted}`);
      noisy.forEach((value, i) => assert.ok(Math.abs(value - expected("noisy")[i]) < 1e-6));
    }
  });
}

const zeroSnr = (prediction_type: string) =>
  noiseSchedule(decodeSchedulerConfig({ rescale_betas_zero_snr: true, prediction_type }, "test"));
const quarter = [1, 1, 2, 2];

test("at zero SNR every form of the weight is finite", () => {
  const step = { shape: quarter, latents: [1, 2, 3, 4], noise: [4, 3, 2, 1], timesteps: [999] };
  for (
    const [prediction, vMinSnr, wanted] of [
      ["epsilon", "reference", 1],
      ["v_prediction", "reference", 2],
      ["v_prediction", "corrected", 0],
    ] as const
  ) {
    const schedule = zeroSnr(prediction);
    const options = { schedule, minSnrGamma: 5, vMinSnr, maskNormalise: false };
    const { weight, noisy, target } = prepareStep(step, options);
    assert.deepEqual([...weight], Array(4).fill(wanted / 4));
    assert.deepEqual([...noisy], step.noise, "nothing but noise");
    const velocity = step.latents.map((value) => -value);
    assert.deepEqual([...target], prediction === "epsilon" ? step.noise : velocity);
  }
});

test("min-SNR falls with the SNR, and the forms are those of their papers", () => {
  const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
  fc.assert(fc.property(positive, positive, (snr, gamma) => {
    const weight = (
      predictionType: "epsilon" | "v_prediction",
      vMinSnr: "reference" | "corrected",
    ) => minSnrWeight(snr, { predictionType, gamma, vMinSnr });
    const close = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-12 * Math.abs(b));
    close(weight("epsilon", "corrected"), Math.min(snr, gamma) / snr);
    close(weight("v_prediction", "reference"), Math.min(snr, gamma) / snr + 1);
    close(weight("v_prediction", "corrected"), Math.min(snr, gamma) / (snr + 1));
  }));
  assert.equal(
    minSnrWeight(Infinity, { predictionType: "epsilon", gamma: 5, vMinSnr: "corrected" }),
    0,
  );
});

test("a normalised mask weighs a small object as much as a large one, an empty one not at all", () => {
  const schedule = zeroSnr("epsilon");
  const options = {
    schedule,
    minSnrGamma: null,
    vMinSnr: "corrected",
    maskNormalise: true,
  } as const;
  const step = {
    shape: [3, 1, 2, 2],
    latents: new Array(12).fill(0),
    noise: new Array(12).fill(1),
    timesteps: [1, 2, 3],
    mask: [1, 1, 1, 1, 0, 0.5, 0, 0, 0, 0, 0, 0],
  };
  const { weight } = prepareStep(step, options);
  const sums = [0, 4, 8].map((start) => weight.slice(start, start + 4).reduce((a, b) => a + b));
  [1 / 3, 1 / 3, 0].forEach((wanted, i) => assert.ok(Math.abs(sums[i] - wanted) < 1e-7));
  const unmasked = prepareStep({ ...step, mask: undefined }, options);
  assert.deepEqual(unmasked.weight, new Float32Array(12).fill(1 / 12));
});

test("sizes and timesteps that do not fit are faults that name the input", () => {
  const schedule = zeroSnr("epsilon");
  const options = {
    schedule,
    minSnrGamma: null,
    vMinSnr: "corrected",
    maskNormalise: true,
  } as const;
  const good = { shape: quarter, latents: [1, 2, 3, 4], noise: [1, 2, 3, 4], timesteps: [0] };
  const bad = { latents: [1], noise: [1, 2, 3, 4, 5], timesteps: [1000], mask: [1] };
  for (const [key, value] of Object.entries(bad)) {
    assert.throws(
      () => prepareStep({ ...good, [key]: value }, options),
      (error) => error instanceof ObjectiveFault && error.key === key,
    );
  }
  assert.throws(() => prepareStep({ ...good, timesteps: [0.5] }, options), ObjectiveFault);
});
