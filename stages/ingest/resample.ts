// Resizes 8-bit pixels with an antialiased triangle filter and cuts a window out of the result, in
// integers. It gives the bytes of Pillow's BILINEAR (so of the reference trainer), on every machine;
// sharp's own resize depends on the processor's vector width in the last bit.
// The trap: the filter runs across first, rounds to 8 bits, then down: swapping the passes changes pixels.

/** Interleaved 8-bit pixels, row by row: `data[(y * width + x) * channels + c]`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** A rectangle inside the resized picture, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Resizes `source` to `height` x `width` (each at least 1) and returns only `window` of it. */
export function resample(
  source: Pixels,
  { height, width }: { readonly height: number; readonly width: number },
  window: Window,
): Pixels {
  const { channels } = source;
  const down = taps(source.height, height, window.top, window.height);
  const firstRow = down[0].first;
  const rows = Math.max(...down.map(({ first, weights }) => first + weights.length)) - firstRow;
  const across = acrossRows(source, taps(source.width, width, window.left, window.width), {
    firstRow,
    rows,
  });
  const stride = window.width * channels;
  const data = new Uint8Array(window.height * stride);
  const sums = new Int32Array(stride);
  down.forEach(({ first, weights }, y) => {
    sums.fill(half);
    weights.forEach((weight, k) => {
      const start = (first - firstRow + k) * stride;
      for (let i = 0; i < stride; i++) sums[i] += across[start + i] * weight;
    });
    for (let i = 0; i < stride; i++) data[y * stride + i] = toByte(sums[i]);
  });
  return { width: window.width, height: window.height, channels, data };
}

// Weights are fixed-point with 22 fractional bits: 8 bits of pixel and 2 of headroom fill an int32.
const bits = 22;
const half = 1 << (bits - 1);

const toByte = (sum: number): number => {
  const value = sum >> bits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

/** The source pixels that make one pixel of the result. */
interface Taps {
  readonly first: number;
  readonly weights: Int32Array;
}

function taps(from: number, to: number, start: number, count: number): Taps[] {
  const scale = from / to;
  const reach = Math.max(scale, 1); // enlarging interpolates between two pixels, reducing averages
  return Array.from({ length: count }, (_, i) => {
    const centre = (start + i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.floor(centre + reach + 0.5));
    const triangle = Array.from(
      { length: end - first },
      (_, k) => Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / reach)),
    );
    const total = triangle.reduce((sum, weight) => sum + weight, 0);
    const weights = Int32Array.from(
      triangle,
      (weight) => Math.floor(0.5 + (weight / total) * (1 << bits)),
    );
    return { first, weights };
  });
}

function acrossRows(
  { width, channels, data }: Pixels,
  columns: readonly Taps[],
  { firstRow, rows }: { readonly firstRow: number; readonly rows: number },
): Uint8Array {
  const result = new Uint8Array(rows * columns.length * channels);
  let out = 0;
  for (let y = firstRow; y < firstRow + rows; y++) {
    for (const { first, weights } of columns) {
      const start = (y * width + first) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = half;
        for (let k = 0; k < weights.length; k++) sum += data[start + k * channels + c] * weights[k];
        result[out++] = toByte(sum);
      }
    }
  }
  return result;
}
