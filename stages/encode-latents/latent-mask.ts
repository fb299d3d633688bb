// A mask brought down to the size of latents, by the nearest pixel (as the reference's resize with
// NEAREST does: the pixel at floor(i * 8)) or by the mean over each 8 x 8 area.
export function latentMask(
  mask: Uint8Array,
  [height, width]: readonly [number, number],
  downscale: "nearest" | "area",
): Float32Array {
  const [h, w] = [height / 8, width / 8];
  const small = new Float32Array(h * w);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      small[y * w + x] = downscale === "nearest"
        ? mask[8 * y * width + 8 * x] / 255
        : areaMean(mask, width, 8 * y, 8 * x);
    }
  }
  return small;
}

function areaMean(mask: Uint8Array, width: number, top: number, left: number): number {
  let sum = 0;
  for (let y = top; y < top + 8; y++) {
    for (let x = left; x < left + 8; x++) sum += mask[y * width + x];
  }
  return sum / (64 * 255);
}
