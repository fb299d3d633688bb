// The samplers by the names that configurations use.
import { ddim } from "./ddim.ts";
import { ddpm } from "./ddpm.ts";
import { dpmpp2mKarras } from "./dpmpp-2m-karras.ts";
import { euler } from "./euler.ts";
import type { SamplerMaker } from "./sampler.ts";

export const samplers = {
  ddpm,
  ddim,
  euler,
  dpmpp_2m_karras: dpmpp2mKarras,
} as const satisfies Record<string, SamplerMaker>;

export type SamplerName = keyof typeof samplers;
