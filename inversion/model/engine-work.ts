// What a training computes, in sizes: that is what the memory it takes depends on. Pictures of its
// validations are counted too.
// The trap: which buckets the pictures really fall into is known only later; all are as large.
import { Schema } from "effect";
import { aspectBuckets } from "../../config/aspect-buckets.ts";
import { dataLoaderFields, heightWidth } from "../../config/data.ts";
import { deviceFields } from "../../config/device.ts";
import { optimizerFields } from "../../config/optimizer.ts";
import { type MemoryPlan, memoryPlans } from "../../engine/memory/memory-plan.ts";
import type { VaeConfig } from "../../engine/networks/config.ts";
import { latentSize } from "../../engine/sample/latent-size.ts";

/** The configuration's keys that decide how much a training step computes. */
export const workFields = {
  memory_plan: deviceFields.memory_plan,
  gradient_checkpointing: deviceFields.gradient_checkpointing,
  train_batch_size: optimizerFields.train_batch_size,
  data_loader: Schema.Struct({
    resolution: dataLoaderFields.resolution,
    aspect_ratio_buckets: dataLoaderFields.aspect_ratio_buckets,
  }),
};
const WorkOptions = Schema.Struct(workFields);
export type WorkOptions = typeof WorkOptions.Type;

export interface EngineWork {
  /** The memory plans to choose from, fastest first. None: nothing is trained. */
  readonly plans: readonly MemoryPlan[];
  /** Of the latents. */
  readonly sizes: readonly { readonly height: number; readonly width: number }[];
  readonly batch: number;
}

/** The reference's `gradient_checkpointing` asks for plan B, or less where that does not fit. */
export const wishedPlans = (
  { memory_plan, gradient_checkpointing }: Pick<
    WorkOptions,
    "memory_plan" | "gradient_checkpointing"
  >,
): readonly MemoryPlan[] =>
  memory_plan !== "auto" ? [memory_plan] : gradient_checkpointing ? ["B", "C"] : memoryPlans;

/** Throws LatentSizeFault where a size does not suit the model's VAE. */
export function trainingWork(
  vae: Pick<VaeConfig, "block_out_channels">,
  options: WorkOptions,
): EngineWork {
  const { resolution, aspect_ratio_buckets } = options.data_loader;
  const drawn = heightWidth(resolution);
  const trained = aspect_ratio_buckets === null ? [] : aspectBuckets(aspect_ratio_buckets);
  const sizes = new Map(
    [drawn, ...trained].map((size) => [size.join("x"), latentSize(vae, size[0], size[1])]),
  );
  return {
    plans: wishedPlans(options),
    sizes: [...sizes.values()],
    batch: options.train_batch_size,
  };
}
