// Options that mean nothing beside others: `lr_warmup_steps` with a constant rate, and the like.
// They are said once when they were set, and do not count towards a run's identity.
// The trap: add a row only where the option truly cannot change a byte of the result; and a key that names
// a run must not be idle beside one that keeps it, or else changing that one would start a new run.
import { schedules } from "../engine/optimise/rates.ts";
import { autoUnit } from "./fixed-loss.ts";
import { settledAfter, settledSteps, settledValues } from "./length.ts";
import { followedWord } from "./validation.ts";
import type { TrainingConfig } from "./training.ts";

export interface IneffectiveOption {
  readonly key: string;
  readonly when: (config: TrainingConfig) => boolean;
  readonly why: string;
  /** Where it does something all the same, though nothing that names a run: not said. */
  readonly except?: (config: TrainingConfig) => boolean;
}

export const ineffectiveOptions: readonly IneffectiveOption[] = [
  {
    key: "num_vectors",
    when: (config) => config.initial_phrase !== null,
    why: "the tokens of initial_phrase decide the number of vectors",
  },
  {
    key: "lr_warmup_steps",
    when: (config) => !schedules[config.lr_scheduler].warmsUp,
    why: "lr_scheduler constant has no warm-up; constant_with_warmup has",
  },
  {
    key: "lr_decay_fraction",
    when: (config) => config.lr_scheduler !== "warmup_stable_decay",
    why: "it is for lr_scheduler warmup_stable_decay",
  },
  {
    key: "initializer_rest",
    when: (config) => config.initializer_token === null || config.num_vectors === 1,
    why: "it is for an initializer_token with more than one vector",
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
    except: (config) => config.prompt_following,
  },
  {
    key: "prompt_following",
    when: (config) => config.validation_prompts.length === 0,
    why: "it is measured with the last pictures, and validation_prompts is empty",
  },
  {
    key: "prompt_following",
    when: (config) => followedWord(config) === null,
    why: "there is no word to compare with; set fixed_loss_word",
  },
  {
    key: "device",
    when: (config) => config.provider === "cpu",
    why: "provider cpu computes on no card",
  },
  {
    key: "before_after_noises",
    when: (config) => config.before_after_timesteps.length === 0,
    why: "before_after_timesteps is empty",
  },
  {
    key: "early_stop",
    when: ({ fixed_loss_every, max_train_steps }) =>
      fixed_loss_every !== null && max_train_steps !== null &&
      max_train_steps <= settledAfter(fixed_loss_every === "auto" ? autoUnit : fixed_loss_every),
    why: `the loss can settle after ${settledSteps} steps and ${settledValues} times ` +
      "fixed_loss_every at the earliest, and max_train_steps is not more",
  },
  {
    key: "negative_validation_prompts",
    when: (config) => config.validation_guidance <= 1,
    why: "validation_guidance is 1 or less, which turns guidance off",
  },
];
