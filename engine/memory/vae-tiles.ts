// The VAE in overlapping tiles that are blended into each other, for pictures whose activations do not
// fit. Only used where the memory plan says so. The trap: it is not exact. Group normalisation and the
// middle block's attention see a tile instead of the picture; what is local comes out the same.
import type { Tensor } from "../device/messages.ts";
import { vaeFactor } from "../networks/autoencoder.ts";
import type { VaeConfig } from "../networks/config.ts";

export type VaeWork = "encode" | "decode";

export interface Tiling {
  /** Sides of a latent in the input and in the output. */
  readonly input: number;
  readonly output: number;
  /** In latents. */
  readonly side: number;
  readonly overlap: number;
}

/** In latents: 512 px, and the 128 px that neighbours share. */
export const tileSide = 64;
const tileOverlap = 16;

export function tilingOf(work: VaeWork, config: VaeConfig): Tiling {
  const factor = vaeFactor(config);
  const [input, output] = work === "encode" ? [factor, 1] : [1, factor];
  return { input, output, side: tileSide, overlap: tileOverlap };
}

/** Where tiles start along an axis of `length`; the last one ends where the axis ends. */
export function tileStarts(length: number, side: number, overlap: number): readonly number[] {
  if (length <= side) return [0];
  const count = Math.ceil((length - overlap) / (side - overlap));
  const at = (i: number) => Math.min(i * (side - overlap), length - side);
  return Array.from({ length: count }, (_, i) => at(i));
}

function cut(
  { data, dims, type }: Tensor,
  top: number,
  left: number,
  h: number,
  w: number,
): Tensor {
  const [batch, channels, height, width] = dims;
  const part = new Float32Array(batch * channels * h * w);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < h; y++) {
      const from = (plane * height + top + y) * width + left;
      part.set(data.subarray(from, from + w), (plane * h + y) * w);
    }
  }
  return { type, dims: [batch, channels, h, w], data: part };
}

/** How much a tile counts at each place along an axis: less towards its edges, where others know more. */
const ramp = (length: number, overlap: number): Float64Array =>
  Float64Array.from(
    { length },
    (_, i) => Math.min(1, (i + 0.5) / overlap, (length - i - 0.5) / overlap),
  );

/** `run` on every tile of `whole` [B, C, H, W], blended; H and W in units of `input`. */
export async function inTiles(
  whole: Tensor,
  { input, output, side, overlap }: Tiling,
  run: (tile: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  const [height, width] = whole.dims.slice(2).map((length) => length / input);
  const [high, wide] = [Math.min(side, height), Math.min(side, width)];
  const [outHeight, outWidth] = [height * output, width * output];
  const vertical = ramp(high * output, overlap * output);
  const horizontal = ramp(wide * output, overlap * output);
  const counts = new Float64Array(outHeight * outWidth);
  let sums = new Float64Array(0);
  let planes = 0;
  for (const top of tileStarts(height, high, overlap)) {
    for (const left of tileStarts(width, wide, overlap)) {
      const part = cut(whole, top * input, left * input, high * input, wide * input);
      const { data, dims: [batch, channels, h, w] } = await run(part);
      planes = batch * channels;
      if (sums.length === 0) sums = new Float64Array(planes * outHeight * outWidth);
      for (let y = 0; y < h; y++) {
        const row = (top * output + y) * outWidth + left * output;
        for (let x = 0; x < w; x++) {
          const share = vertical[y] * horizontal[x];
          counts[row + x] += share;
          for (let plane = 0; plane < planes; plane++) {
            sums[plane * outHeight * outWidth + row + x] += share * data[(plane * h + y) * w + x];
          }
        }
      }
    }
  }
  const data = Float32Array.from(sums, (sum, i) => sum / counts[i % counts.length]);
  const dims = [whole.dims[0], planes / whole.dims[0], outHeight, outWidth];
  return { type: "float32", dims, data };
}
