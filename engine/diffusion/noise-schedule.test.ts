import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSchedulerConfig } from "../networks/config.ts";
import { noiseSchedule, NoiseScheduleFault, sigmasOf, signalToNoise } from "./noise-schedule.ts";
// alphas_cumprod of diffusers' DDPMScheduler at some timesteps, float32 printed exactly.
import vectors from "./noise-schedule.vectors.json" with { type: "json" };

for (const { name, config, timesteps, alphasCumprod } of vectors) {
  test(`${name}: alphasCumprod as diffusers has them`, () => {
    const schedule = noiseSchedule(decodeSchedulerConfig(config, "vectors"));
    assert.equal(schedule.alphasCumprod.length, config.num_train_timesteps ?? 1000);
    timesteps.forEach((timestep, i) => {
      const [got, wanted] = [schedule.alphasCumprod[timestep], alphasCumprod[i]];
      // Rescaled betas go through a square root that PyTorch's math library rounds its own way.
      const tolerance = config.rescale_betas_zero_snr === true ? 5e-6 * wanted : 0;
      assert.ok(Math.abs(got - wanted) <= tolerance, `timestep ${timestep}: ${got} for ${wanted}`);
    });
  });
}

test("zero terminal SNR: no signal at the end, and still a finite sigma", () => {
  const config = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" };
  const plain = noiseSchedule(decodeSchedulerConfig(config, "test"));
  const zero = noiseSchedule(
    decodeSchedulerConfig({ ...config, rescale_betas_zero_snr: true }, "test"),
  );
  assert.equal(signalToNoise(zero, 999), 0);
  assert.ok(signalToNoise(plain, 999) > 0.004);
  assert.ok(Math.abs(zero.alphasCumprod[0] - plain.alphasCumprod[0]) < 1e-7, "the start stays");
  assert.ok(Math.abs(sigmasOf(zero)[999] - 4096) < 1);
  assert.ok(Math.abs(sigmasOf(plain)[999] - 14.614646911621094) < 1e-5);
});

test("trained betas of another length than the schedule are a fault", () => {
  const config = decodeSchedulerConfig({ trained_betas: [0.1, 0.2] }, "test");
  assert.throws(() => noiseSchedule(config), NoiseScheduleFault);
});
