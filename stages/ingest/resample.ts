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
  const across = taps(source.width, width, window.left, window.width);
  const top = down.first[0];
  const rows = Math.max(...down.first.map((first, y) => first + down.count[y])) - top;
  const narrow = new Uint8Array(rows * window.width * channels);
  const fill = channels === 3 ? narrowThree : narrowEach;
  fill(source, across, top, narrow);
  const data = lower(narrow, window.width * channels, down);
  return { width: window.width, height: window.height, channels, data };
}

// Weights are fixed-point with 22 fractional bits: 8 bits of pixel and 2 of headroom fill an int32. Nothing
// overflows, and `Math.imul` and `| 0` tell the engine so, which is then twice as fast.
const bits = 22;
const half = 1 << (bits - 1);

const toByte = (sum: number): number => {
  const value = sum >> bits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

/** For each pixel of the result, which source pixels make it: flat, since the loops below are hot. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** Those of pixel i begin at i * stride. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function taps(from: number, to: number, start: number, count: number): Taps {
  const scale = from / to;
  const reach = Math.max(scale, 1); // enlarging interpolates between two pixels, reducing averages
  const each = Array.from({ length: count }, (_, i) => {
    const centre = (start + i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.floor(centre + reach + 0.5));
    const triangle = Array.from(
      { length: end - first },
      (_, k) => Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / reach)),
    );
    const total = triangle.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: triangle.map((w) => Math.floor(0.5 + (w / total) * (1 << bits))) };
  });
  const stride = Math.max(...each.map(({ weights }) => weights.length));
  const weights = new Int32Array(count * stride);
  each.forEach((pixel, i) => weights.set(pixel.weights, i * stride));
  return {
    first: Int32Array.from(each, ({ first }) => first),
    count: Int32Array.from(each, ({ weights }) => weights.length),
    weights,
    stride,
  };
}

/** Narrows rows of three channels, from `top` on, until `result` is full. */
function narrowThree({ width, data }: Pixels, columns: Taps, top: number, result: Uint8Array) {
  const { first, count, weights, stride } = columns;
  let out = 0;
  for (let y = top; out < result.length; y++) {
    for (let x = 0; x < first.length; x++) {
      let red = half;
      let green = half;
      let blue = half;
      let at = (y * width + first[x]) * 3;
      const end = x * stride + count[x];
      for (let k = x * stride; k < end; k++, at += 3) {
        const weight = weights[k];
        red = (red + Math.imul(data[at], weight)) | 0;
        green = (green + Math.imul(data[at + 1], weight)) | 0;
        blue = (blue + Math.imul(data[at + 2], weight)) | 0;
      }
      result[out++] = toByte(red);
      result[out++] = toByte(green);
      result[out++] = toByte(blue);
    }
  }
}

/** The same for any number of channels, such as a mask's one. */
function narrowEach(
  { width, channels, data }: Pixels,
  columns: Taps,
  top: number,
  result: Uint8Array,
) {
  const { first, count, weights, stride } = columns;
  let out = 0;
  for (let y = top; out < result.length; y++) {
    for (let x = 0; x < first.length; x++) {
      const end = x * stride + count[x];
      for (let c = 0; c < channels; c++) {
        let sum = half;
        let at = (y * width + first[x]) * channels + c;
        for (let k = x * stride; k < end; k++, at += channels) {
          sum = (sum + Math.imul(data[at], weights[k])) | 0;
        }
        result[out++] = toByte(sum);
      }
    }
  }
}

/** Rows of `length` values averaged into fewer (or interpolated into more). */
function lower(rows: Uint8Array, length: number, { first, count, weights, stride }: Taps) {
  const result = new Uint8Array(first.length * length);
  const sums = new Int32Array(length);
  for (let y = 0; y < first.length; y++) {
    sums.fill(half);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * stride + k];
      const start = (first[y] - first[0] + k) * length;
      for (let i = 0; i < length; i++) sums[i] += Math.imul(rows[start + i], weight);
    }
    for (let i = 0; i < length; i++) result[y * length + i] = toByte(sums[i]);
  }
  return result;
}
