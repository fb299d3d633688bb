// A UNet's config.json as it is written: every default as in diffusers, and what no SDXL has refused by key.
// The trap: diffusers' `attention_head_dim` is the NUMBER of heads of a level, not their width.
import { Schema } from "effect";
import {
  absent,
  Count,
  CountPerLevel,
  Epsilon,
  levelsOf,
  only,
  orElse,
  PerLevel,
  Size,
  Sizes,
} from "./decode-config.ts";

const Depth = Schema.Natural.check(Schema.isLessThanOrEqualTo(100));
const Depths = Schema.Union([Depth, levelsOf(Depth)]);

export const StoredUNetConfig = Schema.Struct({
  sample_size: orElse(Schema.NullOr(PerLevel), null),
  in_channels: orElse(Size, 4),
  out_channels: orElse(Size, 4),
  flip_sin_to_cos: orElse(Schema.Boolean, true),
  freq_shift: orElse(Schema.Finite, 0),
  down_block_types: orElse(levelsOf(Schema.Literals(["DownBlock2D", "CrossAttnDownBlock2D"])), [
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "DownBlock2D",
  ]),
  mid_block_type: orElse(
    Schema.NullOr(Schema.Literals(["UNetMidBlock2DCrossAttn", "UNetMidBlock2D"])),
    "UNetMidBlock2DCrossAttn",
  ),
  up_block_types: orElse(levelsOf(Schema.Literals(["UpBlock2D", "CrossAttnUpBlock2D"])), [
    "UpBlock2D",
    "CrossAttnUpBlock2D",
    "CrossAttnUpBlock2D",
    "CrossAttnUpBlock2D",
  ]),
  block_out_channels: orElse(Sizes, [320, 640, 1280, 1280]),
  layers_per_block: orElse(CountPerLevel, 2),
  act_fn: orElse(Schema.Literals(["silu", "swish"]), "silu"),
  norm_num_groups: orElse(Size, 32),
  norm_eps: orElse(Epsilon, 1e-5),
  cross_attention_dim: orElse(PerLevel, 1280),
  transformer_layers_per_block: orElse(Schema.Union([Count, levelsOf(Depths)]), 1),
  reverse_transformer_layers_per_block: orElse(Schema.NullOr(levelsOf(Depths)), null),
  attention_head_dim: orElse(PerLevel, 8),
  num_attention_heads: orElse(Schema.NullOr(PerLevel), null),
  use_linear_projection: orElse(Schema.Boolean, false),
  addition_embed_type: Schema.Literal("text_time"),
  addition_time_embed_dim: Size,
  projection_class_embeddings_input_dim: Size,
  time_embedding_dim: orElse(Schema.NullOr(Size), null),
  /** What no SDXL has. Other keys (dropout, upcast_attention, ...) do not change the result here. */
  center_input_sample: only(false),
  only_cross_attention: only(false),
  downsample_padding: only(1),
  mid_block_scale_factor: only(1),
  encoder_hid_dim_type: absent,
  dual_cross_attention: only(false),
  class_embed_type: absent,
  num_class_embeds: absent,
  resnet_time_scale_shift: only("default"),
  resnet_skip_time_act: only(false),
  resnet_out_scale_factor: only(1),
  time_embedding_type: only("positional"),
  time_embedding_act_fn: absent,
  timestep_post_act: absent,
  conv_in_kernel: only(3),
  conv_out_kernel: only(3),
  attention_type: only("default"),
  class_embeddings_concat: only(false),
  cross_attention_norm: absent,
});
export type StoredUNetConfig = typeof StoredUNetConfig.Type;
