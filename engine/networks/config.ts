// The five config.json files of an SDXL folder as the networks see them: decoded once, every default
// filled in as diffusers and transformers fill it, anything that is not SDXL refused (unet-config.ts
// holds the UNet's). Field names are those of the files.
// The trap: SDXL's text encoders say `eos_token_id: 2`, which is no token of theirs: it selects a rule.
import { Schema } from "effect";
import { shownJson } from "../../lib/foreign-json.ts";
import {
  absent,
  Count,
  decode,
  Epsilon,
  type Finding,
  levelsOf,
  only,
  orElse,
  refuse,
  Size,
  Sizes,
} from "./decode-config.ts";
import type { UNetConfig } from "./unet-config.ts";
export { ModelConfigFault } from "./decode-config.ts";
export { decodeUNetConfig, type UNetConfig } from "./unet-config.ts";

/**
 * CLIPTextModel and CLIPTextModelWithProjection.
 * @internal
 */
export const ClipTextConfig = Schema.Struct({
  vocab_size: orElse(Size, 49408),
  hidden_size: orElse(Size, 512),
  intermediate_size: orElse(Size, 2048),
  /** Width of the pooled embedding; only the encoder with projection has it in its weights. */
  projection_dim: orElse(Size, 512),
  num_hidden_layers: orElse(Count, 12),
  num_attention_heads: orElse(Size, 8),
  /** At least the 77 tokens of a caption. */
  max_position_embeddings: orElse(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(77)),
    77,
  ),
  hidden_act: orElse(Schema.Literals(["quick_gelu", "gelu"]), "quick_gelu"),
  layer_norm_eps: orElse(Epsilon, 1e-5),
  /** 2 means an old config: pool at the arg-max of the ids; otherwise at the first such id. */
  eos_token_id: orElse(Schema.Int, 49407),
});
/**
 * A text encoder's config.json, by transformers' names.
 * @internal
 */
export type ClipTextConfig = typeof ClipTextConfig.Type;

const blockTypes = <const Name extends string>(name: Name) =>
  orElse(levelsOf(Schema.Literal(name)), [name] as never);

/**
 * AutoencoderKL.
 * @internal
 */
export const VaeConfig = Schema.Struct({
  in_channels: orElse(Size, 3),
  out_channels: orElse(Size, 3),
  down_block_types: blockTypes("DownEncoderBlock2D"),
  up_block_types: blockTypes("UpDecoderBlock2D"),
  block_out_channels: orElse(Sizes, [64]),
  /** Resnets of an encoder block; a decoder block has one more. */
  layers_per_block: orElse(Count, 1),
  act_fn: only("silu"),
  latent_channels: orElse(Size, 4),
  norm_num_groups: orElse(Size, 32),
  scaling_factor: orElse(Epsilon, 0.18215),
  /** Playground 2.5 and SD 3 shift their latents; SDXL does not. */
  latents_mean: absent,
  latents_std: absent,
  shift_factor: absent,
  /** Whether its activations overflow float16. */
  force_upcast: orElse(Schema.Boolean, true),
  use_quant_conv: orElse(Schema.Boolean, true),
  use_post_quant_conv: orElse(Schema.Boolean, true),
  mid_block_add_attention: orElse(Schema.Boolean, true),
});
/**
 * vae/config.json, by diffusers' names.
 * @internal
 */
export type VaeConfig = typeof VaeConfig.Type;

const Beta = Epsilon.check(Schema.isLessThanOrEqualTo(1));

/**
 * What training and sampling need of scheduler_config.json, whatever class wrote it.
 * @internal
 */
export const SchedulerConfig = Schema.Struct({
  num_train_timesteps: orElse(Size.check(Schema.isLessThanOrEqualTo(1e6)), 1000),
  beta_start: orElse(Beta, 0.0001),
  beta_end: orElse(Beta, 0.02),
  beta_schedule: orElse(
    Schema.Literals(["linear", "scaled_linear", "squaredcos_cap_v2"]),
    "linear",
  ),
  trained_betas: orElse(Schema.NullOr(Schema.Array(Beta).check(Schema.isMaxLength(1e6))), null),
  prediction_type: orElse(Schema.Literals(["epsilon", "v_prediction"]), "epsilon"),
  rescale_betas_zero_snr: orElse(Schema.Boolean, false),
  timestep_spacing: orElse(Schema.Literals(["leading", "linspace", "trailing"]), "leading"),
  steps_offset: orElse(Schema.Natural, 0),
  /** Schedulers that have it default to true; SDXL's config says false. */
  set_alpha_to_one: orElse(Schema.Boolean, true),
  use_karras_sigmas: orElse(Schema.NullOr(Schema.Boolean), false),
  final_sigmas_type: orElse(Schema.Literals(["zero", "sigma_min"]), "zero"),
});
/** scheduler_config.json of a model, by diffusers' names and with its defaults filled in. */
export type SchedulerConfig = typeof SchedulerConfig.Type;

/** The config.json files of a model, decoded. Field names are those of the files. */
export interface ModelConfigs {
  /** CLIP ViT-L. */
  readonly textEncoder: ClipTextConfig;
  /** OpenCLIP ViT-bigG, whose pooled text the UNet gets. */
  readonly textEncoder2: ClipTextConfig;
  /** UNet2DConditionModel. */
  readonly unet: UNetConfig;
  /** AutoencoderKL. */
  readonly vae: VaeConfig;
  /** Of whichever scheduler the model is delivered with. */
  readonly scheduler: SchedulerConfig;
}

/** Decodes text_encoder/config.json or text_encoder_2/config.json. Throws ModelConfigFault. */
export function decodeClipTextConfig(json: unknown, file: string): ClipTextConfig {
  const config = decode(ClipTextConfig, "text encoder (CLIPTextModel)", file, json);
  if (config.hidden_size % config.num_attention_heads !== 0) {
    const found = `${config.num_attention_heads} heads do not divide width ${config.hidden_size}`;
    refuse("text encoder (CLIPTextModel)", file, json, [["num_attention_heads", found]]);
  }
  return config;
}

/** Decodes vae/config.json. Throws ModelConfigFault. */
export function decodeVaeConfig(json: unknown, file: string): VaeConfig {
  const network = "VAE (AutoencoderKL)";
  const config = decode(VaeConfig, network, file, json);
  const levels = config.block_out_channels.length;
  const findings: Finding[] = [];
  for (const key of ["down_block_types", "up_block_types"] as const) {
    const { length } = config[key];
    if (length !== levels) findings.push([key, `${length} entries for ${levels} levels`]);
  }
  for (const channels of config.block_out_channels) {
    if (channels % config.norm_num_groups !== 0) {
      const found = `${config.norm_num_groups} groups do not divide ${channels} channels`;
      findings.push(["norm_num_groups", found]);
    }
  }
  if (findings.length > 0) refuse(network, file, json, findings);
  return config;
}

/** The formulations that are not trained here, by the names of their schedulers. */
const otherFormulation = /^(EDM|FlowMatch|CosineDPM)/;

/** Decodes scheduler/scheduler_config.json. Throws ModelConfigFault. */
export function decodeSchedulerConfig(json: unknown, file: string): SchedulerConfig {
  const config = decode(SchedulerConfig, "scheduler", file, json);
  const name: unknown = Object(json)["_class_name"] ?? "";
  if (typeof name !== "string") {
    refuse("scheduler", file, json, [["_class_name", `${shownJson(name)}, expected string`]]);
  }
  if (otherFormulation.test(name)) refuse("scheduler", file, json, [["_class_name", name]]);
  return config;
}
