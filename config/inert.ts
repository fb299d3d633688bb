// Options that mean nothing beside others: `lr_warmup_steps` with a constant rate, and the like.
// They are said once when they were set, and do not count towards a run's identity.
// The trap: add a row only where the option truly cannot change a byte of the result.
import type { TrainingConfig } from "./training.ts";

export interface Inert {
  readonly key: string;
  readonly when: (config: TrainingConfig) => boolean;
  readonly why: string;
}

export const inert: readonly Inert[] = [
  {
    key: "num_vectors",
    when: (config) => config.initial_phrase !== null,
    why: "the tokens of initial_phrase decide the number of vectors",
  },
  {
    key: "lr_warmup_steps",
    when: (config) => config.lr_scheduler === "constant",
    why: "lr_scheduler constant has no warm-up; constant_with_warmup has",
  },
  {
    key: "v_min_snr",
    when: (config) => config.min_snr_gamma === null || config.prediction_type === "epsilon",
    why: "it is for Min-SNR with v-prediction",
  },
  { key: "mask_normalise", when: (config) => !config.use_masks, why: "use_masks is false" },
  { key: "mask_downscale", when: (config) => !config.use_masks, why: "use_masks is false" },
  {
    key: "data_loader.crops_per_image",
    when: (config) => config.data_loader.center_crop,
    why: "center_crop is true, so each picture has one crop",
  },
  {
    key: "data_loader.crop_left_after_flip",
    when: (config) => !config.data_loader.random_flip,
    why: "random_flip is false",
  },
  {
    key: "data_loader.time_ids_target_size",
    when: (config) => config.data_loader.aspect_ratio_buckets === null,
    why: "there are no aspect_ratio_buckets",
  },
  {
    key: "fixed_loss_word",
    when: (config) => config.fixed_loss_dataset === null,
    why: "there is no fixed_loss_dataset",
  },
];
