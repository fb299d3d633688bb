// The samplers by the names that configurations use.
import { ddim } from "./ddim.ts";
import { ddpm } from "./ddpm.ts";
import { dpmpp2mKarras } from "./dpmpp-2m-karras.ts";
import { euler } from "./euler.ts";
import type { SamplerMaker } from "./sampler.ts";

/** Makes of a noise schedule and a number of steps what walks from noise to a picture, by name. */
export const samplers = {
  ddpm,
  ddim,
  euler,
  dpmpp_2m_karras: dpmpp2mKarras,
} as const satisfies Record<string, SamplerMaker>;

/** A sampler by its name in a configuration; the names are diffusers', but for `dpmpp_2m_karras`. */
export type SamplerName = keyof typeof samplers;
