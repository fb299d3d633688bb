// Clipping by the norm of all rows' gradients together, as PyTorch's clip_grad_norm_ does it. The trap:
// the reference's norm holds the gradients of every other word as well, so equal bounds cut less here.
import type { Gradients } from "./rows.ts";

export interface Clipped {
  /** Before clipping; NaN or Infinity if the gradient is. */
  readonly norm: number;
  readonly gradients: Gradients;
}

/** Gradients shortened to `maxNorm` where they are longer; null never shortens. */
export function clipGradients(gradients: Gradients, maxNorm: number | null): Clipped {
  let squares = 0;
  for (const gradient of gradients) for (const value of gradient) squares += value * value;
  const norm = Math.sqrt(squares);
  const factor = maxNorm === null ? 1 : maxNorm / (norm + 1e-6);
  if (!(factor < 1)) return { norm, gradients };
  return {
    norm,
    gradients: gradients.map((gradient) => Float64Array.from(gradient, (value) => value * factor)),
  };
}
