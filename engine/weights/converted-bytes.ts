// The values of a weight in a dtype that ONNX Runtime trains on, times their scale, in the order of the
// file. An fp8 weight has 256 values at most for each scale: those are converted, and looked up.
// The trap: a scale for each row comes as [rows] or [rows, 1]; either way it serves a stretch of the file.
import { decodeArray, toBytes } from "../../lib/safetensors/convert.ts";
import type { StoredDType } from "../../lib/safetensors/dtype.ts";
import { readBytes, readTensor } from "../../lib/safetensors/safetensors.ts";
import type { Located } from "./tensor-source.ts";

/** Largest finite value of the narrow dtypes; float16's own is 65504. */
const largest: Partial<Record<StoredDType, number>> = { F8_E4M3: 448, F8_E5M2: 57344 };
const largestHalf = 65504;

const isNarrow = ({ view }: Located): boolean => view.dtype in largest;

export const isForeign = (located: Located): boolean =>
  isNarrow(located) || located.view.dtype === "F64" || located.scale !== undefined;

const scalesOf = async ({ scale }: Located): Promise<Float32Array> =>
  scale === undefined ? Float32Array.of(1) : await readTensor(scale);

/** float16 holds every fp8 value exactly; where it does not hold a scaled one, float32. */
export async function targetDType(located: Located): Promise<"F16" | "F32"> {
  const most = largest[located.view.dtype];
  if (most === undefined) return "F32";
  const scales = await scalesOf(located);
  return Math.max(...scales.map(Math.abs)) * most <= largestHalf ? "F16" : "F32";
}

export async function convertedBytes(located: Located, dtype: "F16" | "F32"): Promise<Uint8Array> {
  const scales = await scalesOf(located);
  const view = { ...located.view, transposed: false };
  if (isNarrow(located)) {
    return lookedUp(new Uint8Array(await readBytes(view)), view.dtype, scales, dtype);
  }
  const values = await readTensor(view);
  const perScale = values.length / scales.length;
  for (let i = 0; i < values.length; i++) values[i] *= scales[Math.floor(i / perScale)];
  return toBytes(values, dtype);
}

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte).buffer;

function lookedUp(
  stored: Uint8Array,
  from: StoredDType,
  scales: Float32Array,
  to: "F16" | "F32",
): Uint8Array {
  const values = decodeArray(everyByte, from) as Float32Array;
  const words = to === "F16" ? new Uint16Array(stored.length) : new Uint32Array(stored.length);
  const perScale = stored.length / scales.length;
  for (const [part, scale] of scales.entries()) {
    const table = toBytes(values.map((value) => value * scale), to);
    const word = to === "F16" ? new Uint16Array(table.buffer) : new Uint32Array(table.buffer);
    const end = (part + 1) * perScale;
    for (let i = part * perScale; i < end; i++) words[i] = word[stored[i]];
  }
  return new Uint8Array(words.buffer);
}
