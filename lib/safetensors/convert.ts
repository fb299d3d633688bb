// Stored bytes to numbers and back, for every dtype of dtype.ts. Narrow floats go through tables or bit
// shifts, all exact; the way back rounds to nearest, ties to even. Bytes are little-endian, as in the
// files and on every machine ONNX Runtime runs on.
// The trap: F8_E4M3 (the "fn" kind) has no infinity; 0x7f is NaN and 0x7e is 448.
import type { StoredDType } from "./dtype.ts";

/**
 * The values of a stored tensor. Floats of 16 or 8 bits stand in a Float32Array, F64 in its own.
 * @internal
 */
export type StoredArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** From 2 ** -126 to 2 ** 127, exact: the exponents of a float32. */
const powersOfTwo = new Float32Array(
  Uint32Array.from({ length: 254 }, (_, i) => (i + 1) << 23).buffer,
);
const powerOfTwo = (power: number): number => powersOfTwo[power + 126];

/** One value of a float with `exponent` and `mantissa` bits and a bias of half its range. */
function narrowFloat(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = (bits >> (exponentBits + mantissaBits)) & 1 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & ((1 << exponentBits) - 1);
  const mantissa = bits & ((1 << mantissaBits) - 1);
  const bias = (1 << (exponentBits - 1)) - 1;
  if (exponent === 0) return sign * mantissa * powerOfTwo(1 - bias - mantissaBits);
  if (exponent === (1 << exponentBits) - 1 && exponentBits === 5) {
    return mantissa === 0 ? sign * Infinity : NaN;
  }
  return sign * ((1 << mantissaBits) + mantissa) * powerOfTwo(exponent - bias - mantissaBits);
}

const table = (width: number, value: (bits: number) => number) => {
  let made: Float32Array | undefined;
  return () => made ??= Float32Array.from({ length: 1 << width }, (_, bits) => value(bits));
};
const narrowTables = {
  F16: table(16, (bits) => narrowFloat(bits, 5, 10)),
  F8_E5M2: table(8, (bits) => narrowFloat(bits, 5, 2)),
  F8_E4M3: table(8, (bits) => (bits & 0x7f) === 0x7f ? NaN : narrowFloat(bits, 4, 3)),
};

/** The bytes as the typed array of their dtype; floats narrower than 32 bits become Float32Array. */
export function decodeArray(buffer: ArrayBuffer, dtype: StoredDType): StoredArray {
  switch (dtype) {
    case "F64":
      return new Float64Array(buffer);
    case "F32":
      return new Float32Array(buffer);
    case "BF16": {
      const halves = new Uint16Array(buffer);
      const words = new Uint32Array(halves.length);
      for (let i = 0; i < halves.length; i++) words[i] = halves[i] << 16;
      return new Float32Array(words.buffer);
    }
    case "F16":
    case "F8_E4M3":
    case "F8_E5M2": {
      const values = narrowTables[dtype]();
      const stored = dtype === "F16" ? new Uint16Array(buffer) : new Uint8Array(buffer);
      const floats = new Float32Array(stored.length);
      for (let i = 0; i < stored.length; i++) floats[i] = values[stored[i]];
      return floats;
    }
    case "I64":
      return new BigInt64Array(buffer);
    case "U64":
      return new BigUint64Array(buffer);
    case "I32":
      return new Int32Array(buffer);
    case "U32":
      return new Uint32Array(buffer);
    case "I16":
      return new Int16Array(buffer);
    case "U16":
      return new Uint16Array(buffer);
    case "I8":
      return new Int8Array(buffer);
    case "U8":
    case "BOOL":
      return new Uint8Array(buffer);
  }
}

const asNumbers = (values: StoredArray): Exclude<StoredArray, BigInt64Array | BigUint64Array> =>
  values instanceof BigInt64Array || values instanceof BigUint64Array
    ? Float64Array.from(values, Number)
    : values;

/** Any dtype as float32; the values themselves when they are float32 already. */
export function toFloat32(values: StoredArray): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(asNumbers(values));
}

/** float32 to the bits of float16; beyond 65504 (after rounding) becomes infinity. */
export function toFloat16Bits(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const sign = (words[i] >>> 16) & 0x8000;
    const magnitude = words[i] & 0x7fffffff;
    if (magnitude > 0x7f800000) halves[i] = sign | 0x7e00;
    else if (magnitude >= 0x477ff000) halves[i] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) {
      halves[i] = sign | roundEven(magnitude - 0x38000000, 13);
    } else if (magnitude >= 0x33000000) {
      const shift = 126 - (magnitude >>> 23);
      halves[i] = sign | roundEven((magnitude & 0x7fffff) | 0x800000, shift);
    } else halves[i] = sign;
  }
  return halves;
}

/** float32 to the bits of bfloat16. */
export function toBFloat16Bits(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const sign = (words[i] >>> 16) & 0x8000;
    const magnitude = words[i] & 0x7fffffff;
    halves[i] = sign | (magnitude > 0x7f800000 ? 0x7fc0 : roundEven(magnitude, 16));
  }
  return halves;
}

/** The bytes to store; a Float32Array is rounded where the dtype is F16 or BF16. */
export function toBytes(data: StoredArray, dtype: StoredDType): Uint8Array {
  const array = data instanceof Float32Array && dtype === "F16"
    ? toFloat16Bits(data)
    : data instanceof Float32Array && dtype === "BF16"
    ? toBFloat16Bits(data)
    : data;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Drops the lowest `shift` (1 to 25) bits, rounding to nearest, ties to even. */
function roundEven(bits: number, shift: number): number {
  const kept = bits >>> shift;
  const rest = bits & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0);
}
