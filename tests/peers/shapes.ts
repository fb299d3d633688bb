// Random SDXL-shaped models for shapes.test.ts, each unlike the golden ones and each other; make_case.py
// builds them. Every case is the plain one with something changed, and says what.

export interface Case {
  readonly name: string;
  readonly dtype: "float32" | "float16" | "bfloat16";
  readonly variant: string | null;
  readonly max_shard_size: string;
  /** Scale of the weights; small ones make a wrong epsilon show. */
  readonly gain: number;
  readonly latents: readonly [height: number, width: number];
  readonly image: readonly [height: number, width: number];
  readonly batch: number;
  readonly rows: number;
  readonly t: readonly number[];
  readonly text_encoder: ClipArguments;
  readonly text_encoder_2: ClipArguments;
  /** Arguments of UNet2DConditionModel, AutoencoderKL and DDPMScheduler. */
  readonly unet: Readonly<Record<string, unknown>>;
  readonly vae: Readonly<Record<string, unknown>>;
  readonly scheduler: Readonly<Record<string, unknown>>;
}

interface ClipArguments {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly projection_dim: number;
  readonly hidden_act: "quick_gelu" | "gelu";
  readonly eos_token_id: number;
  readonly max_position_embeddings?: number;
  readonly layer_norm_eps?: number;
}

const clip = (changes: Partial<ClipArguments>): ClipArguments => ({
  vocab_size: 211,
  hidden_size: 16,
  intermediate_size: 40,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  projection_dim: 16,
  hidden_act: "quick_gelu",
  eos_token_id: 2,
  ...changes,
});

const vae = (widths: readonly number[], changes: Record<string, unknown> = {}) => ({
  block_out_channels: widths,
  down_block_types: widths.map(() => "DownEncoderBlock2D"),
  up_block_types: widths.map(() => "UpDecoderBlock2D"),
  layers_per_block: 1,
  norm_num_groups: 2,
  latent_channels: 4,
  scaling_factor: 0.13025,
  ...changes,
});

const [down, downAttention] = ["DownBlock2D", "CrossAttnDownBlock2D"];
const [up, upAttention] = ["UpBlock2D", "CrossAttnUpBlock2D"];

const unet = (changes: Record<string, unknown>) => ({
  in_channels: 4,
  out_channels: 4,
  layers_per_block: 1,
  transformer_layers_per_block: 1,
  norm_num_groups: 4,
  use_linear_projection: true,
  cross_attention_dim: 40,
  addition_time_embed_dim: 6,
  projection_class_embeddings_input_dim: 20 + 6 * 6,
  ...changes,
});

const scheduler = (changes: Record<string, unknown> = {}) => ({
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  ...changes,
});

/** One level, attention in every block, one caption, a 1x1 VAE, the last timestep without any signal. */
const plain: Case = {
  name: "one level, 5x7, v-prediction with zero terminal SNR",
  dtype: "float32",
  variant: null,
  max_shard_size: "1GB",
  gain: 1,
  latents: [5, 7],
  image: [5, 7],
  batch: 1,
  rows: 7,
  t: [999],
  text_encoder: clip({}),
  text_encoder_2: clip({
    hidden_size: 24,
    num_attention_heads: 3,
    projection_dim: 20,
    eos_token_id: 210,
  }),
  unet: unet({
    block_out_channels: [12],
    down_block_types: [downAttention],
    up_block_types: [upAttention],
    attention_head_dim: 3,
  }),
  vae: vae([6]),
  scheduler: scheduler({ prediction_type: "v_prediction", rescale_betas_zero_snr: true }),
};

const change = (name: string, changes: Partial<Case>): Case => ({ ...plain, name, ...changes });

export const cases: readonly Case[] = [
  plain,

  change("two levels, 9x6, three captions, float16 as a variant, convolution projections", {
    dtype: "float16",
    variant: "fp16",
    latents: [9, 6],
    image: [18, 12],
    batch: 3,
    rows: 1,
    t: [0, 411, 998],
    text_encoder: clip({ hidden_act: "gelu", eos_token_id: 210, num_hidden_layers: 3 }),
    unet: unet({
      block_out_channels: [8, 20],
      down_block_types: [downAttention, down],
      up_block_types: [up, upAttention],
      attention_head_dim: [4, 5],
      layers_per_block: [2, 1],
      use_linear_projection: false,
      mid_block_type: "UNetMidBlock2D",
    }),
    vae: vae([4, 8], { layers_per_block: 2 }),
    scheduler: scheduler(),
  }),

  change("SSD-1B's lists of depths, no attention in the middle, bfloat16 in shards", {
    dtype: "bfloat16",
    max_shard_size: "60KB",
    latents: [7, 12],
    image: [20, 12],
    batch: 2,
    rows: 2,
    t: [55, 730],
    unet: unet({
      block_out_channels: [8, 16, 24],
      down_block_types: [down, downAttention, downAttention],
      up_block_types: [upAttention, upAttention, up],
      attention_head_dim: [2, 4, 3],
      layers_per_block: 2,
      transformer_layers_per_block: [1, [2, 1], [1, 2]],
      reverse_transformer_layers_per_block: [[2, 1, 3], [2, 1, 1], 1],
      mid_block_type: "UNetMidBlock2D",
    }),
    vae: vae([4, 6, 8], { mid_block_add_attention: false }),
    scheduler: scheduler({ beta_schedule: "linear", beta_start: 0.0001, beta_end: 0.02 }),
  }),

  change("KOALA's missing middle, one layer, 3x5", {
    latents: [3, 5],
    image: [16, 24],
    rows: 3,
    t: [321],
    text_encoder_2: clip({
      hidden_size: 24,
      num_attention_heads: 4,
      projection_dim: 20,
      vocab_size: 150,
      hidden_act: "gelu",
      num_hidden_layers: 3,
      layer_norm_eps: 1e-4,
    }),
    unet: unet({
      block_out_channels: [8, 16, 16],
      down_block_types: [down, downAttention, downAttention],
      up_block_types: [upAttention, upAttention, up],
      attention_head_dim: [1, 2, 4],
      transformer_layers_per_block: [0, 2, 3],
      mid_block_type: null,
    }),
    vae: vae([4, 4, 6, 8], { use_quant_conv: false, use_post_quant_conv: false }),
    scheduler: scheduler({ prediction_type: "v_prediction" }),
  }),

  change("four levels with other layers each, 10x13", {
    latents: [10, 13],
    image: [32, 16],
    batch: 3,
    rows: 7,
    t: [1, 500, 900],
    unet: unet({
      block_out_channels: [4, 8, 8, 12],
      down_block_types: [downAttention, down, downAttention, down],
      up_block_types: [upAttention, up, upAttention, up],
      attention_head_dim: [1, 2, 4, 3],
      layers_per_block: [1, 2, 1, 2],
      transformer_layers_per_block: [1, 1, 2, 1],
      use_linear_projection: false,
      norm_num_groups: 2,
    }),
    vae: vae([4, 4, 6, 6, 8]),
    scheduler: scheduler({ beta_schedule: "squaredcos_cap_v2" }),
  }),

  change("1x1 latents, one encoder layer, small weights, sines first", {
    latents: [1, 1],
    image: [8, 8],
    rows: 2,
    gain: 0.05,
    t: [640],
    text_encoder: clip({ num_hidden_layers: 1, max_position_embeddings: 80 }),
    unet: unet({
      block_out_channels: [8, 8],
      down_block_types: [down, downAttention],
      up_block_types: [upAttention, up],
      attention_head_dim: 2,
      flip_sin_to_cos: false,
      freq_shift: 1,
      time_embedding_dim: 18,
      norm_eps: 1e-4,
    }),
    vae: vae([4, 4, 6, 6]),
    scheduler: scheduler({ num_train_timesteps: 700 }),
  }),

  change("attention on the way down only, eight latent channels", {
    latents: [6, 4],
    image: [16, 8],
    batch: 2,
    rows: 1,
    t: [10, 20],
    unet: unet({
      in_channels: 8,
      out_channels: 8,
      block_out_channels: [8, 16],
      down_block_types: [down, downAttention],
      up_block_types: [up, up],
      attention_head_dim: 8,
    }),
    vae: vae([4, 8], { latent_channels: 8, norm_num_groups: 1 }),
    scheduler: scheduler(),
  }),

  change("no attention at all: only the pooled text reaches the UNet", {
    latents: [4, 4],
    image: [4, 4],
    t: [77],
    unet: unet({
      block_out_channels: [8],
      down_block_types: [down],
      up_block_types: [up],
      attention_head_dim: 8,
      mid_block_type: "UNetMidBlock2D",
    }),
    scheduler: scheduler(),
  }),
];
