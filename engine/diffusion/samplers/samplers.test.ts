import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSchedulerConfig } from "../../networks/config.ts";
import { noiseSchedule, sigmasOf } from "../noise-schedule.ts";
import { goldenCase } from "../../../tests/golden-values/golden-case.ts";
import { timestepOf } from "./karras.ts";
import { SamplerFault, SamplerNoiseFault, type SamplerState } from "./sampler.ts";
import { type SamplerName, samplers } from "./samplers.ts";
import { roundHalfEven } from "./timestep-spacing.ts";
// Runs of diffusers' schedulers, in float64, with the synthetic model and noise below. DPM++ was started
// with set_begin_index(0): without it diffusers skips a step where the first timesteps repeat.
import vectors from "./vectors.json" with { type: "json" };

const CHANNELS = [0, 1, 2, 3];
const noiseAt = (i: number) => CHANNELS.map((k) => (((5 * i + 2 * k) % 13) - 6) / 4);
const answerAt = (i: number, input: ArrayLike<number>) =>
  Float32Array.from(CHANNELS, (k) => 0.3 * input[k] + (((7 * i + 3 * k) % 11) - 5) / 4);

const near = (
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  relative: number,
  what: string,
) => {
  assert.equal(got.length, wanted.length, what);
  let [difference, norm] = [0, 0];
  for (let k = 0; k < wanted.length; k++) {
    difference += (got[k] - wanted[k]) * (got[k] - wanted[k]);
    norm += wanted[k] * wanted[k];
  }
  const error = Math.sqrt(difference / Math.max(norm, 1e-30));
  assert.ok(error <= relative, `${what}: off by ${error}`);
};

for (const run of vectors.runs) {
  const variant = vectors.variants[run.variant as keyof typeof vectors.variants];
  test(`${run.sampler}, ${run.variant}, ${run.steps} steps: as diffusers`, () => {
    const config = decodeSchedulerConfig(variant, "vectors.json");
    const sampler = samplers[run.sampler as SamplerName](config, run.steps);
    near(sampler.timesteps, run.timesteps, 1e-7, "timesteps");
    near([sampler.initNoiseSigma], [run.initNoiseSigma], 1e-6, "initNoiseSigma");
    if (sampler.sigmas.length > 0) near(sampler.sigmas, run.sigmas, 1e-6, "sigmas");
    const { initNoiseSigma } = sampler;
    let state: SamplerState = { latents: Float32Array.from(noiseAt(0), (x) => x * initNoiseSigma) };
    for (let i = 0; i < run.steps; i++) {
      const input = sampler.scaleModelInput(state.latents, i);
      state = sampler.step(state, answerAt(i, input), i, noiseAt(i + 1));
      if (i === 2) near(state.latents, run.early, 2e-5, "latents after three steps");
    }
    near(state.latents, run.final, 2e-5, "final latents");
  });
}

for (const name of ["a", "b", "c"]) {
  test(`golden case ${name}: timesteps, sigmas, and one first step told three ways`, async () => {
    const { scheduler, sampling } = await goldenCase(name);
    const noise = sampling("noise");
    const make = (sampler: SamplerName) => samplers[sampler](scheduler, 6);
    for (const sampler of Object.keys(samplers) as SamplerName[]) {
      const made = make(sampler);
      near(made.timesteps, sampling(`${sampler}_timesteps`), 0, `${sampler} timesteps`);
      if (made.sigmas.length > 0) {
        near(made.sigmas, sampling(`${sampler}_sigmas`), 1e-6, `${sampler} sigmas`);
      }
    }
    // DDPM, DDIM and Euler ask the same first question (same timestep, same input), so the answer that
    // explains DDIM's first step must give the other two's. A step is affine in the answer.
    const start = { latents: Float32Array.from(noise) };
    const [zeros, ones] = [noise.map(() => 0), noise.map(() => 1)];
    const without = make("ddim").step(start, zeros, 0).latents;
    const withOne = make("ddim").step(start, ones, 0).latents;
    const wanted = sampling("ddim_latents_0");
    const answer = wanted.map((value, k) => (value - without[k]) / (withOne[k] - without[k]));

    const ancestral = make("ddpm").step(start, answer, 0, sampling("ddpm_noise_0")).latents;
    near(ancestral, sampling("ddpm_latents_0"), 2e-6, "DDPM");
    const ode = make("euler");
    const scaled = { latents: start.latents.map((value) => value * ode.initNoiseSigma) };
    near(ode.scaleModelInput(scaled.latents, 0), noise, 1e-6, "Euler's input");
    near(ode.step(scaled, answer, 0).latents, sampling("euler_latents_0"), 2e-6, "Euler");
  });
}

test("step counts that a schedule cannot serve are faults", () => {
  const config = decodeSchedulerConfig({ steps_offset: 1 }, "test");
  for (const steps of [0, 1.5, 1001, NaN]) {
    for (const make of Object.values(samplers)) {
      assert.throws(() => make(config, steps), SamplerFault);
    }
  }
  assert.throws(() => samplers.ddpm(config, 1000), SamplerFault, "offset past the end");
});

test("as many steps as timesteps are all of them, and one step by linspace is the first", () => {
  const trailing = decodeSchedulerConfig({ timestep_spacing: "trailing" }, "test");
  const all = Array.from({ length: 1000 }, (_, i) => 999 - i);
  assert.deepEqual(samplers.ddim(trailing, 1000).timesteps, all);
  const linspace = decodeSchedulerConfig({ timestep_spacing: "linspace" }, "test");
  assert.deepEqual(samplers.euler(linspace, 1).timesteps, [0]);
});

test("halves go to the even neighbour, as numpy's round has them", () => {
  const halves = [0.5, 1.5, 812.5, 937.5, -0.5, 2.4, 2.6, 3];
  assert.deepEqual(halves.map((x) => roundHalfEven(x) + 0), [0, 2, 812, 938, 0, 2, 3, 3]);
});

test("DDIM's last step ends at the clean estimate, the one before it at timestep 0 does not", () => {
  const config = decodeSchedulerConfig({ set_alpha_to_one: true, steps_offset: 0 }, "test");
  const sampler = samplers.ddim(config, 10);
  const latents = Float32Array.of(1, -2);
  const signal = noiseSchedule(config).alphasCumprod.map(Math.sqrt);
  // Without noise in the answer a step only scales, by the share of the signal before and behind it.
  const scaled = (i: number) => sampler.step({ latents }, [0, 0], i).latents[0];
  near([scaled(8), scaled(9)], [signal[0] / signal[100], 1 / signal[0]], 1e-6, "scales");
});

test("a noise level beyond the trained ones is at the end's timestep", () => {
  const trained = sigmasOf(noiseSchedule(decodeSchedulerConfig({}, "test")));
  assert.deepEqual([1e9, 0].map((sigma) => timestepOf(sigma, trained)), [999, 0]);
});

test("an epsilon model cannot start from no signal", () => {
  const config = decodeSchedulerConfig(
    { rescale_betas_zero_snr: true, timestep_spacing: "trailing" },
    "test",
  );
  for (const name of ["ddpm", "ddim"] as const) {
    assert.throws(() => samplers[name](config, 10), SamplerFault);
  }
  const { latents } = samplers.euler(config, 10).step(
    { latents: new Float32Array(4) },
    CHANNELS,
    0,
  );
  assert.ok(latents.every(Number.isFinite));
});

test("DDPM without its noise is a fault, not a silent DDIM", () => {
  const sampler = samplers.ddpm(decodeSchedulerConfig({}, "test"), 5);
  const state = { latents: new Float32Array(4) };
  assert.throws(() => sampler.step(state, CHANNELS, 0), SamplerNoiseFault);
  assert.ok(sampler.step(state, CHANNELS, 4).latents.every(Number.isFinite));
});
