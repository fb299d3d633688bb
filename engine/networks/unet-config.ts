// UNet2DConditionModel's config.json, decoded once: every scalar that stands for a list expanded to the
// list, whatever the networks cannot compute refused by key.
// The trap: up blocks run from the coarsest level to the finest, so their lists are the other way round.
import { decode, type Finding, refuse } from "./decode-config.ts";
import { StoredUNetConfig } from "./stored-unet-config.ts";

/**
 * UNet2DConditionModel with `text_time`, lists expanded: index [level], finest level first.
 * @internal
 */
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

type Depth = number | readonly number[];

/** The lists of a config, one entry a level, finest first (`reversed`: coarsest first). */
interface Levels {
  readonly count: number;
  readonly layers: readonly number[];
  readonly heads: readonly number[];
  readonly widths: readonly number[];
  readonly depths: readonly Depth[];
  readonly reversed: readonly Depth[];
}

/** Transformer blocks by block and layer; none in a block without attention. */
interface Blocks {
  readonly down: readonly (readonly number[])[];
  readonly up: readonly (readonly number[])[];
}

const perLevel = (value: number | readonly number[], levels: number): readonly number[] =>
  typeof value === "number" ? Array<number>(levels).fill(value) : value;

function levelsOf(stored: StoredUNetConfig): Levels {
  const count = stored.block_out_channels.length;
  const depths = typeof stored.transformer_layers_per_block === "number"
    ? perLevel(stored.transformer_layers_per_block, count)
    : stored.transformer_layers_per_block;
  return {
    count,
    layers: perLevel(stored.layers_per_block, count),
    heads: perLevel(stored.num_attention_heads ?? stored.attention_head_dim, count),
    widths: perLevel(stored.cross_attention_dim, count),
    depths,
    reversed: stored.reverse_transformer_layers_per_block ?? [...depths].reverse(),
  };
}

/** Lists that have not one entry a level. */
const wrongLengths = (stored: StoredUNetConfig, levels: Levels): readonly Finding[] =>
  Object.entries({
    down_block_types: stored.down_block_types,
    up_block_types: stored.up_block_types,
    layers_per_block: levels.layers,
    attention_head_dim: levels.heads,
    cross_attention_dim: levels.widths,
    transformer_layers_per_block: levels.depths,
    reverse_transformer_layers_per_block: levels.reversed,
  })
    .filter(([, list]) => list.length !== levels.count || levels.count === 0)
    .map(([key, list]) => [key, `${list.length} entries for ${levels.count} levels`]);

function blocksOf(stored: StoredUNetConfig, { count, layers, depths, reversed }: Levels): Blocks {
  const expand = (depth: Depth, layers: number) =>
    typeof depth === "number" ? Array<number>(layers).fill(depth) : depth;
  return {
    down: depths.map((depth, level) =>
      stored.down_block_types[level] === "DownBlock2D" ? [] : expand(depth, layers[level])
    ),
    up: reversed.map((depth, block) =>
      stored.up_block_types[block] === "UpBlock2D"
        ? []
        : expand(depth, layers[count - 1 - block] + 1)
    ),
  };
}

/** What the networks cannot compute, given lists of the right lengths. */
function wrongValues(stored: StoredUNetConfig, levels: Levels, { down, up }: Blocks) {
  const { count, layers, heads, widths } = levels;
  const findings: Finding[] = [];
  const check = (holds: boolean, key: string, found: string) => {
    if (!holds) findings.push([key, found]);
  };
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
  up.forEach((list, block) => {
    const wanted = layers[count - 1 - block] + 1;
    check(
      stored.up_block_types[block] === "UpBlock2D" || list.length === wanted,
      "reverse_transformer_layers_per_block",
      `${list.length} entries for the ${wanted} layers of up block ${block}`,
    );
  });
  stored.block_out_channels.forEach((channels, level) => {
    const inMiddle = level === count - 1 && stored.mid_block_type === "UNetMidBlock2DCrossAttn";
    const attends = inMiddle || down[level].length > 0 || up[count - 1 - level].length > 0;
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
  return findings;
}

/** Decodes unet/config.json. Throws ModelConfigFault. */
export function decodeUNetConfig(json: unknown, file: string): UNetConfig {
  const network = "UNet (UNet2DConditionModel with text_time)";
  const stored = decode(StoredUNetConfig, network, file, json);
  const levels = levelsOf(stored);
  const lengths = wrongLengths(stored, levels);
  if (lengths.length > 0) refuse(network, file, json, lengths);
  const blocks = blocksOf(stored, levels);
  const values = wrongValues(stored, levels, blocks);
  if (values.length > 0) refuse(network, file, json, values);

  const lastDepth = levels.depths[levels.count - 1];
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
    layers_per_block: levels.layers,
    act_fn: "silu",
    norm_num_groups: stored.norm_num_groups,
    norm_eps: stored.norm_eps,
    cross_attention_dim: levels.widths[0],
    transformer_layers_per_block: blocks.down,
    reverse_transformer_layers_per_block: blocks.up,
    mid_transformer_layers: stored.mid_block_type !== "UNetMidBlock2DCrossAttn"
      ? 0
      : typeof lastDepth === "number"
      ? lastDepth
      : lastDepth[0],
    attention_head_dim: levels.heads,
    use_linear_projection: stored.use_linear_projection,
    addition_time_embed_dim: stored.addition_time_embed_dim,
    projection_class_embeddings_input_dim: stored.projection_class_embeddings_input_dim,
    time_embedding_dim: stored.time_embedding_dim ?? 4 * stored.block_out_channels[0],
  };
}
