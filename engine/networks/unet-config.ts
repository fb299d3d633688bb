// UNet2DConditionModel's config.json, decoded once: every default as in diffusers, every scalar that
// stands for a list expanded to the list, whatever the networks cannot compute refused by key.
// The trap: diffusers' `attention_head_dim` is the NUMBER of heads of a level, not their width.
import { Schema } from "effect";
import {
  absent,
  Count,
  CountPerLevel,
  decode,
  Epsilon,
  type Finding,
  only,
  orElse,
  PerLevel,
  refuse,
  Size,
  Sizes,
} from "./decode-config.ts";

const Depth = Schema.Natural.check(Schema.isLessThanOrEqualTo(100));
const Depths = Schema.Union([Depth, Schema.Array(Depth)]);

const StoredUNetConfig = Schema.Struct({
  sample_size: orElse(Schema.NullOr(PerLevel), null),
  in_channels: orElse(Size, 4),
  out_channels: orElse(Size, 4),
  flip_sin_to_cos: orElse(Schema.Boolean, true),
  freq_shift: orElse(Schema.Finite, 0),
  down_block_types: orElse(Schema.Array(Schema.Literals(["DownBlock2D", "CrossAttnDownBlock2D"])), [
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "DownBlock2D",
  ]),
  mid_block_type: orElse(
    Schema.NullOr(Schema.Literals(["UNetMidBlock2DCrossAttn", "UNetMidBlock2D"])),
    "UNetMidBlock2DCrossAttn",
  ),
  up_block_types: orElse(Schema.Array(Schema.Literals(["UpBlock2D", "CrossAttnUpBlock2D"])), [
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
  transformer_layers_per_block: orElse(Schema.Union([Count, Schema.Array(Depths)]), 1),
  reverse_transformer_layers_per_block: orElse(Schema.NullOr(Schema.Array(Depths)), null),
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

/** UNet2DConditionModel with `text_time`, lists expanded: index [level], finest level first. */
export interface UNetConfig {
  readonly sample_size: number;
  readonly in_channels: number;
  readonly out_channels: number;
  readonly flip_sin_to_cos: boolean;
  readonly freq_shift: number;
  readonly down_block_types: readonly ("DownBlock2D" | "CrossAttnDownBlock2D")[];
  /** null: the network has no middle block at all. */
  readonly mid_block_type: "UNetMidBlock2DCrossAttn" | "UNetMidBlock2D" | null;
  /** In the order of computation, coarsest level first. */
  readonly up_block_types: readonly ("UpBlock2D" | "CrossAttnUpBlock2D")[];
  readonly block_out_channels: readonly number[];
  /** Resnets of down block [level]; the up block of that level has one more. */
  readonly layers_per_block: readonly number[];
  readonly act_fn: "silu";
  readonly norm_num_groups: number;
  readonly norm_eps: number;
  readonly cross_attention_dim: number;
  /** [level][layer]: transformer blocks after that resnet; empty in a block without attention. */
  readonly transformer_layers_per_block: readonly (readonly number[])[];
  /** [up block][layer], coarsest first, one layer more than down; filled in when config has none. */
  readonly reverse_transformer_layers_per_block: readonly (readonly number[])[];
  /** Transformer blocks of the middle block; 0 when it has no attention. */
  readonly mid_transformer_layers: number;
  /** Number of heads of [level]; the middle block has the last level's. */
  readonly attention_head_dim: readonly number[];
  readonly use_linear_projection: boolean;
  readonly addition_time_embed_dim: number;
  /** Pooled text plus 6 time ids of `addition_time_embed_dim` each. */
  readonly projection_class_embeddings_input_dim: number;
  /** Width of the time embedding, by default 4 * block_out_channels[0]. */
  readonly time_embedding_dim: number;
}

const perLevel = (value: number | readonly number[], levels: number): readonly number[] =>
  typeof value === "number" ? Array<number>(levels).fill(value) : value;

/** Decodes unet/config.json. Throws ModelConfigFault. */
export function decodeUNetConfig(json: unknown, file: string): UNetConfig {
  const network = "UNet (UNet2DConditionModel with text_time)";
  const stored = decode(StoredUNetConfig, network, file, json);
  const levels = stored.block_out_channels.length;
  const layers = perLevel(stored.layers_per_block, levels);
  const heads = perLevel(stored.num_attention_heads ?? stored.attention_head_dim, levels);
  const widths = perLevel(stored.cross_attention_dim, levels);
  const depths = typeof stored.transformer_layers_per_block === "number"
    ? perLevel(stored.transformer_layers_per_block, levels)
    : stored.transformer_layers_per_block;
  const reversed = stored.reverse_transformer_layers_per_block ?? [...depths].reverse();
  const findings: Finding[] = [];
  const check = (holds: boolean, key: string, found: string) => {
    if (!holds) findings.push([key, found]);
  };
  for (
    const [key, list] of [
      ["down_block_types", stored.down_block_types],
      ["up_block_types", stored.up_block_types],
      ["layers_per_block", layers],
      ["attention_head_dim", heads],
      ["cross_attention_dim", widths],
      ["transformer_layers_per_block", depths],
      ["reverse_transformer_layers_per_block", reversed],
    ] as const
  ) check(list.length === levels && levels > 0, key, `${list.length} entries for ${levels} levels`);
  if (findings.length > 0) refuse(network, file, json, findings);

  const expand = (depth: number | readonly number[], count: number) =>
    typeof depth === "number" ? Array<number>(count).fill(depth) : depth;
  const down = depths.map((depth, level) =>
    stored.down_block_types[level] === "DownBlock2D" ? [] : expand(depth, layers[level])
  );
  const up = reversed.map((depth, block) =>
    stored.up_block_types[block] === "UpBlock2D"
      ? []
      : expand(depth, layers[levels - 1 - block] + 1)
  );

  check(
    [...down, ...up].flat().every((depth) => depth > 0),
    "transformer_layers_per_block",
    "a block with attention and no transformer layers",
  );
  down.forEach((list, level) =>
    check(
      stored.down_block_types[level] === "DownBlock2D" || list.length === layers[level],
      "transformer_layers_per_block",
      `${list.length} entries for the ${layers[level]} layers of level ${level}`,
    )
  );
  up.forEach((list, block) =>
    check(
      stored.up_block_types[block] === "UpBlock2D" ||
        list.length === layers[levels - 1 - block] + 1,
      "reverse_transformer_layers_per_block",
      `${list.length} entries for the ${
        layers[levels - 1 - block] + 1
      } layers of up block ${block}`,
    )
  );
  stored.block_out_channels.forEach((channels, level) => {
    const inMiddle = level === levels - 1 && stored.mid_block_type === "UNetMidBlock2DCrossAttn";
    const attends = inMiddle || down[level].length > 0 || up[levels - 1 - level].length > 0;
    check(
      !attends || channels % heads[level] === 0,
      "attention_head_dim",
      `${heads[level]} heads do not divide the ${channels} channels of level ${level}`,
    );
    check(
      channels % stored.norm_num_groups === 0,
      "norm_num_groups",
      `${stored.norm_num_groups} groups do not divide the ${channels} channels of level ${level}`,
    );
  });
  check(new Set(widths).size === 1, "cross_attention_dim", "different widths per level");
  const frequencies = Math.min(stored.block_out_channels[0], stored.addition_time_embed_dim) / 2;
  check(
    stored.freq_shift < frequencies,
    "freq_shift",
    `${stored.freq_shift}, no frequency is left`,
  );
  check(stored.block_out_channels[0] % 2 === 0, "block_out_channels", "an odd first width");
  check(stored.addition_time_embed_dim % 2 === 0, "addition_time_embed_dim", "an odd width");
  check(
    stored.in_channels === stored.out_channels,
    "in_channels",
    `${stored.in_channels} input channels for ${stored.out_channels} output channels`,
  );
  if (findings.length > 0) refuse(network, file, json, findings);

  const lastDepth = depths[levels - 1];
  return {
    sample_size: stored.sample_size === null ? 128 : Math.max(...perLevel(stored.sample_size, 1)),
    in_channels: stored.in_channels,
    out_channels: stored.out_channels,
    flip_sin_to_cos: stored.flip_sin_to_cos,
    freq_shift: stored.freq_shift,
    down_block_types: stored.down_block_types,
    mid_block_type: stored.mid_block_type,
    up_block_types: stored.up_block_types,
    block_out_channels: stored.block_out_channels,
    layers_per_block: layers,
    act_fn: "silu",
    norm_num_groups: stored.norm_num_groups,
    norm_eps: stored.norm_eps,
    cross_attention_dim: widths[0],
    transformer_layers_per_block: down,
    reverse_transformer_layers_per_block: up,
    mid_transformer_layers: stored.mid_block_type !== "UNetMidBlock2DCrossAttn"
      ? 0
      : typeof lastDepth === "number"
      ? lastDepth
      : lastDepth[0],
    attention_head_dim: heads,
    use_linear_projection: stored.use_linear_projection,
    addition_time_embed_dim: stored.addition_time_embed_dim,
    projection_class_embeddings_input_dim: stored.projection_class_embeddings_input_dim,
    time_embedding_dim: stored.time_embedding_dim ?? 4 * stored.block_out_channels[0],
  };
}
