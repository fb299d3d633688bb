import assert from "node:assert/strict";
import { test } from "node:test";
import { scaleLatents, unscaleLatents } from "./latent-scaling.ts";

test("SDXL's VAE latents shrink by 0.13025 for the UNet, and grow back for the VAE", () => {
  const vae = { scaling_factor: 0.13025 };
  assert.deepEqual([...scaleLatents([8, -4], vae)], [1.042, -0.521].map(Math.fround));
  assert.deepEqual([...unscaleLatents([1.042, -0.521], vae)], [8, -4]);
});
