// The configuration's keys that decide which pictures a validation makes, and how.
import { Schema } from "effect";
import { embeddingFields } from "../../config/embedding.ts";
import { fixedLossFields } from "../../config/fixed-loss.ts";
import { modelFields } from "../../config/model.ts";
import { objectiveFields } from "../../config/objective.ts";
import { validationFields } from "../../config/validation.ts";
import { workFields } from "../../inversion/model/engine-work.ts";
import { engineFields } from "../../inversion/model/open-engine.ts";

export const ValidateOptions = Schema.Struct({
  seed: Schema.Int,
  placeholder_token: embeddingFields.placeholder_token,
  ...modelFields,
  ...engineFields,
  ...workFields,
  prediction_type: objectiveFields.prediction_type,
  rescale_betas_zero_snr: objectiveFields.rescale_betas_zero_snr,
  validation_prompts: validationFields.validation_prompts,
  negative_validation_prompts: validationFields.negative_validation_prompts,
  num_validation_images_per_prompt: validationFields.num_validation_images_per_prompt,
  validation_sampler: validationFields.validation_sampler,
  pooling: embeddingFields.pooling,
  initializer_token: embeddingFields.initializer_token,
  fixed_loss_word: fixedLossFields.fixed_loss_word,
  prompt_following: validationFields.prompt_following,
  validation_pooling: validationFields.validation_pooling,
  validation_steps: validationFields.validation_steps,
  validation_guidance: validationFields.validation_guidance,
});
export type ValidateOptions = typeof ValidateOptions.Type;
