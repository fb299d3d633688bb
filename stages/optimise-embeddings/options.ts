// The configuration's keys that decide how the rows are trained.
import { Schema } from "effect";
import { embeddingFields } from "../../config/embedding.ts";
import { fixedLossFields } from "../../config/fixed-loss.ts";
import { lengthFields } from "../../config/length.ts";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import { optimizerFields } from "../../config/optimizer.ts";
import { outputFields } from "../../config/outputs.ts";
import { validationFields } from "../../config/validation.ts";
import { workFields } from "../../inversion/model/engine-work.ts";
import { engineFields } from "../../inversion/model/open-engine.ts";

export const OptimiseOptions = Schema.Struct({
  seed: Schema.Int,
  ...modelFields,
  ...engineFields,
  ...workFields,
  pooling: embeddingFields.pooling,
  ...optimizerFields,
  ...lengthFields,
  num_vectors: embeddingFields.num_vectors,
  initializer_token: embeddingFields.initializer_token,
  initializer_rest: embeddingFields.initializer_rest,
  initial_embedding_file: embeddingFields.initial_embedding_file,
  prediction_type: objectiveFields.prediction_type,
  rescale_betas_zero_snr: objectiveFields.rescale_betas_zero_snr,
  min_snr_gamma: objectiveFields.min_snr_gamma,
  v_min_snr: objectiveFields.v_min_snr,
  use_masks: objectiveFields.use_masks,
  mask_normalise: objectiveFields.mask_normalise,
  fixed_loss_every: fixedLossFields.fixed_loss_every,
  fixed_loss_layout: fixedLossFields.fixed_loss_layout,
  fixed_loss_timesteps: fixedLossFields.fixed_loss_timesteps,
  before_after_timesteps: fixedLossFields.before_after_timesteps,
  before_after_noises: fixedLossFields.before_after_noises,
  save_every_n_steps: outputFields.save_every_n_steps,
  save_every_n_epochs: outputFields.save_every_n_epochs,
  validate_every_n_steps: validationFields.validate_every_n_steps,
  validate_every_n_epochs: validationFields.validate_every_n_epochs,
  validate_at_start: validationFields.validate_at_start,
  validation_prompts: validationFields.validation_prompts,
});
export type OptimiseOptions = typeof OptimiseOptions.Type;
