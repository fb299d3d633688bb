// The sinusoidal embedding of timesteps and of the six sizes (diffusers' get_timestep_embedding with
// scale 1 and period 10000). The trap: phases are rounded to float32 before the sine, as there; in
// float64 they differ by up to 6e-5, because a phase may be a thousand radians.
import { cos, exp, sin } from "../random/exact-math.ts";

export interface SinusoidalOptions {
  /** Cosines first (SDXL's true) or sines first. */
  readonly flipSinToCos?: boolean;
  /** Taken off the number of frequencies when they are spaced (SDXL's 0). */
  readonly freqShift?: number;
}

const f32 = Math.fround;
const LOG_PERIOD = 9.210340371976184;

/**
 * One row of `dim` for each of `values`, [values.length, dim] in float32; an odd `dim` ends in 0.
 * For added time ids pass them flat: the result is [B, 6 * dim] as the UNet wants it.
 */
export function sinusoidalEmbedding(
  values: ArrayLike<number>,
  dim: number,
  { flipSinToCos = true, freqShift = 0 }: SinusoidalOptions = {},
): Float32Array {
  const half = Math.floor(dim / 2);
  const frequencies = Float32Array.from(
    { length: half },
    (_, i) => exp(f32(f32(f32(-LOG_PERIOD) * i) / f32(half - freqShift))),
  );
  const rows = new Float32Array(values.length * dim);
  const sines = flipSinToCos ? half : 0;
  const cosines = flipSinToCos ? 0 : half;
  for (let row = 0; row < values.length; row++) {
    for (let i = 0; i < half; i++) {
      const phase = f32(f32(values[row]) * frequencies[i]);
      rows[row * dim + sines + i] = sin(phase);
      rows[row * dim + cosines + i] = cos(phase);
    }
  }
  return rows;
}
