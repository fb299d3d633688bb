// What the graphs are fed beside latents: embeddings of the captions' tokens, and sinusoids of timesteps
// and time ids. The trap: which token's state is pooled hangs on the checkpoint's config, unless the
// captions say it (pooling.ts).
import { sinusoidalEmbedding } from "../diffusion/sinusoidal.ts";
import type { UNetConfig } from "../networks/unet-config.ts";
import { poolingMatrix, type PoolingRule } from "../text/pooling.ts";
import type { TokenEmbeddings } from "../text/token-embeddings.ts";
import { type Captions, type Denoising, tensor } from "./batch.ts";

/** [B, 77, width] of both encoders, and the matrix [B, 1, 77] that picks the pooled token. */
export async function textFeeds(
  { ids1, ids2, rows1, rows2, pooling }: Captions,
  [tokens1, tokens2]: readonly [TokenEmbeddings, TokenEmbeddings],
  usual: PoolingRule,
) {
  return {
    embeddings1: await tokens1.lookUp(ids1, rows1),
    embeddings2: await tokens2.lookUp(ids2, rows2),
    pool: poolingMatrix(ids2, pooling ?? ids2.map(() => usual)),
  };
}

/** [B, channels of the UNet's first level], and [B, 6 * width of an added time id]. */
export function timeFeeds({ timesteps, timeIds }: Denoising, config: UNetConfig) {
  const embed = (values: readonly number[], width: number) =>
    sinusoidalEmbedding(values, width, {
      flipSinToCos: config.flip_sin_to_cos,
      freqShift: config.freq_shift,
    });
  const time = config.block_out_channels[0];
  const added = config.addition_time_embed_dim;
  return {
    timestep_embedding: tensor(embed(timesteps, time), [timesteps.length, time]),
    time_ids_embedding: tensor(embed(timeIds.flat(), added), [timeIds.length, 6 * added]),
  };
}
