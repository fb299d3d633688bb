// The pictures that are made along the way: prompts, how often, sampler.
// The trap: the noise is seeded anew for each prompt, so pictures of different steps compare.
import { Schema } from "effect";
import { type SamplerName, samplers as table } from "../engine/diffusion/samplers/samplers.ts";
import { intBetween, intFrom, notNegative, option } from "../runtime/options/option.ts";

const one = "Exactly one of validate_every_n_steps and validate_every_n_epochs is set.";

/** What prompt_following compares the placeholder with; null: nothing. */
export const followedWord = (
  { fixed_loss_word, initializer_token }: {
    readonly fixed_loss_word: string | null;
    readonly initializer_token: string | null;
  },
): string | null => fixed_loss_word ?? (initializer_token === "auto" ? null : initializer_token);

/** As the engine's table names them. */
export const samplers = Object.keys(table) as readonly SamplerName[];

export const validationFields = {
  validate_every_n_steps: option(Schema.NullOr(intFrom(1)), {
    doc: `How often validation pictures are made; after the last step always. ${one}`,
    unit: "steps",
    default: null,
    keepsRun: true,
  }),
  validate_every_n_epochs: option(Schema.NullOr(intFrom(1)), {
    doc: `How often validation pictures are made; after the last step always. ${one}`,
    unit: "epochs",
    default: null,
    keepsRun: true,
  }),
  validate_at_start: option(Schema.Boolean, {
    doc: "Also make the pictures before the first step, to compare with. The reference does not.",
    default: true,
    keepsRun: true,
  }),
  validation_prompts: option(Schema.Array(Schema.String), {
    doc: "What to make pictures of; write the placeholder where the thing belongs.",
    default: [],
    keepsRun: true,
  }),
  negative_validation_prompts: option(Schema.NullOr(Schema.Array(Schema.String)), {
    doc: "What each picture should avoid: one text for each of validation_prompts, or null.",
    default: null,
    keepsRun: true,
  }),
  num_validation_images_per_prompt: option(intFrom(1), {
    doc: "How many pictures each prompt gets.",
    unit: "pictures",
    default: 4,
    keepsRun: true,
  }),
  validation_sampler: option(Schema.Literals(samplers), {
    doc: "The sampler of validation pictures. The reference uses ddpm.",
    default: "ddpm",
    keepsRun: true,
  }),
  validation_steps: option(intBetween(1, 1000), {
    doc: "How many sampling steps each picture takes.",
    unit: "sampling steps",
    default: 30,
    keepsRun: true,
  }),
  validation_pooling: option(Schema.Literals(["auto", "argmax", "end_token", "both"]), {
    doc: "Whose pictures these are, by where the pooled text is taken: argmax as InvokeAI and " +
      "diffusers draw them, end_token as ComfyUI, A1111 and Forge do, both side by side (twice as " +
      "many). auto goes by the model's eos_token_id, as InvokeAI and diffusers do.",
    default: "auto",
    keepsRun: true,
    late: true,
  }),
  prompt_following: option(Schema.Boolean, {
    doc:
      "Also measure with the last pictures how well prompts are followed (F), under both places of " +
      "the pooled text: six prompts, four noises, the placeholder's picture against the word's outside " +
      "the centre; 72 pictures more. The word is fixed_loss_word, else initializer_token.",
    default: false,
    keepsRun: true,
    late: true,
  }),
  validation_guidance: option(notNegative, {
    doc: "Classifier-free guidance: how strongly the prompt is followed; 1 or less turns it off.",
    default: 5,
    keepsRun: true,
  }),
};
