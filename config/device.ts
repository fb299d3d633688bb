// Where the computing happens and in what precision.
// The trap: rows, moments and the loss are float32 or better whatever is chosen here.
import { Schema } from "effect";
import {
  type Provider,
  providerNames,
  providers as kinds,
  retiredProviders,
} from "../engine/device/providers.ts";
import { intFrom, option } from "../runtime/options/option.ts";

export const providers: readonly ("auto" | Provider)[] = ["auto", ...providerNames];
export const memoryPlans = ["auto", "A", "B", "C"] as const;

export const deviceFields = {
  provider: option(Schema.Literals(providers), {
    doc: "What computes. auto takes the fastest that works here, once, and notes it in the run. " +
      providerNames.map((name) => `${name}: ${kinds[name].title}`).join("; ") + ".",
    default: "auto",
    keepsRun: true,
    retired: retiredProviders,
  }),
  device: option(Schema.NullOr(Schema.Union([intFrom(0), Schema.String])), {
    doc: "Which of several graphics cards, by its number or a part of its name; `doctor` lists " +
      "them. null takes the strongest. For cuda, and by number for dml; webgpu takes the strongest.",
    default: null,
    keepsRun: true,
    late: true,
    unhashed: true,
  }),
  threads: option(Schema.NullOr(intFrom(1)), {
    doc: "How many threads compute on the CPU; null takes as many as there are cores.",
    unit: "threads",
    default: null,
    keepsRun: true,
    unhashed: true,
  }),
  weight_dtype: option(Schema.Literals(["float32", "float16", "bfloat16"]), {
    doc:
      "The precision of the frozen weights. The CPU computes in float32 with any of them; a GPU " +
      "computes in float16 unless this is float32.",
    default: "bfloat16",
  }),
  mixed_precision: option(Schema.Literals(["no", "fp16", "bf16", "fp8"]), {
    doc: "The reference's mixed precision. Here rows are float32 and weights are weight_dtype in " +
      "any case, so this changes nothing.",
    default: "no",
    keepsRun: true,
  }),
  memory_plan: option(Schema.Literals(memoryPlans), {
    doc: "What is kept for the backward pass. A: all but attention's probabilities; B: each " +
      "block's input only; C: as B, in smaller chunks of attention on a card. auto takes the fastest that fits.",
    default: "auto",
    keepsRun: true,
  }),
  gradient_checkpointing: option(Schema.Boolean, {
    doc: "The reference's name for keeping less and computing it again: memory_plan B.",
    default: false,
    keepsRun: true,
  }),
  xformers: option(Schema.Boolean, {
    doc: "The reference's attention kernels for NVIDIA cards. There are none here: no effect.",
    default: false,
    keepsRun: true,
  }),
  cache_vae_outputs: option(Schema.Boolean, {
    doc: "The reference encodes pictures beforehand. Here that is always done, also with random " +
      "crops and flips, so this changes nothing.",
    default: false,
    keepsRun: true,
  }),
  enable_cpu_offload_during_validation: option(Schema.Boolean, {
    doc: "The reference moves models off the card during validation. Here encoders, UNet and VAE " +
      "take turns in memory in any case, so this changes nothing.",
    default: false,
    keepsRun: true,
  }),
};
