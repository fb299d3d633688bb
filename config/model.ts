// Which base model: a Hugging Face name, a diffusers folder or a single .safetensors file.
// The trap: a name that exists as a path in the current folder is that path.
import { Schema } from "effect";
import { option } from "../runtime/options/option.ts";

const nameOrNull = Schema.NullOr(Schema.NonEmptyString);

export const modelFields = {
  model: option(Schema.NonEmptyString, {
    doc: "The base model: a Hugging Face name, a diffusers folder or a single .safetensors file.",
    default: "stabilityai/stable-diffusion-xl-base-1.0",
    unhashed: true,
    place: "model",
  }),
  hf_variant: option(nameOrNull, {
    doc: "Which files of the model are preferred, by the variant in their names; null: the plain " +
      "ones. Parts without that variant fall back to the plain ones.",
    default: "fp16",
    unhashed: true,
  }),
  hf_revision: option(nameOrNull, {
    doc: "A branch, tag or commit of the model on the hub; null means main.",
    default: null,
    unhashed: true,
  }),
  vae_model: option(nameOrNull, {
    doc: "Another VAE in place of the model's own: a Hugging Face name, a folder or a file.",
    default: null,
    unhashed: true,
    place: "model",
  }),
  model_config: option(nameOrNull, {
    doc:
      "The model that a single file is made for: a diffusers folder or a Hugging Face name. Its " +
      "config.json files describe the file, its text encoders and VAE stand in for what the file " +
      "lacks; null takes SDXL's own configs.",
    default: null,
    unhashed: true,
    place: "model",
  }),
};
