// A mask brought down to the size of latents, each of which stands for `factor` x `factor` pixels: by the
// first pixel of each area (as the reference's resize with NEAREST does), or by the area's mean.
export function latentMask(
  mask: Uint8Array,
  [height, width]: readonly [number, number],
  factor: number,
  downscale: "nearest" | "area",
): Float32Array {
  const [h, w] = [height / factor, width / factor];
  const small = new Float32Array(h * w);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const corner = factor * y * width + factor * x;
      small[y * w + x] = downscale === "nearest"
        ? mask[corner] / 255
        : areaMean(mask, width, corner, factor);
    }
  }
  return small;
}

function areaMean(mask: Uint8Array, width: number, corner: number, factor: number): number {
  let sum = 0;
  for (let y = 0; y < factor; y++) {
    for (let x = 0; x < factor; x++) sum += mask[corner + y * width + x];
  }
  return sum / (factor * factor * 255);
}
