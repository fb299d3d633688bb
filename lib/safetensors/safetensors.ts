// Tensors out of and into .safetensors files. Reading converts to float32; training itself
// never reads weights this way, ONNX Runtime maps the file. Writing is atomic.
// The trap: `readTensor` of a view with `transposed` gives [out, in], as `view.shape` says, not the file's order.
import { type FileHandle, open } from "node:fs/promises";
import { writeAtomically } from "../atomic-file.ts";
import { decodeArray, type StoredArray, toFloat32 } from "./convert.ts";
import type { StoredDType } from "./dtype.ts";
import { safetensorsChunks, type TensorToWrite } from "./safetensors-bytes.ts";
import { headerOf, readHeader, type SafetensorsHeader } from "./safetensors-header.ts";
import type { WeightView } from "./weight-view.ts";
import { fileFault } from "../file-fault.ts";
export type { TensorToWrite } from "./safetensors-bytes.ts";
export { readHeader, type SafetensorsHeader } from "./safetensors-header.ts";

/** A tensor of a file that was read. */
export interface StoredTensor {
  /** As it is stored, by safetensors' names: "F32", "BF16", "I64" and so on. */
  readonly dtype: StoredDType;
  /** The sides, slowest first. */
  readonly shape: readonly number[];
  /** Float32Array for F32, F16, BF16 and F8, else the array of the dtype. */
  readonly data: StoredArray;
}

/**
 * Reads the stored bytes of a view into `buffer`, over and over: yields where in the view a part starts
 * and how long it is. Throws DiskFault.
 */
export async function* readChunks(
  view: WeightView,
  buffer: Uint8Array,
): AsyncGenerator<readonly [from: number, length: number]> {
  const handle = await open(view.file, "r").catch((cause) => {
    throw fileFault(view.file, cause);
  });
  try {
    for (let from = 0; from < view.bytes; from += buffer.length) {
      const length = Math.min(buffer.length, view.bytes - from);
      await fill(handle, buffer, length, view.offset + from);
      yield [from, length];
    }
  } catch (cause) {
    throw fileFault(view.file, cause);
  } finally {
    await handle.close();
  }
}

/** Reads `length` bytes from `position` on, or throws. */
export async function fill(
  handle: FileHandle,
  buffer: Uint8Array,
  length: number,
  position: number,
): Promise<void> {
  for (let done = 0; done < length;) {
    const step = Math.min(length - done, 1 << 30);
    const { bytesRead } = await handle.read(buffer, done, step, position + done);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    done += bytesRead;
  }
}

/** The stored bytes of a view. Throws DiskFault. */
export async function readBytes(view: WeightView): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(view.bytes);
  for await (const _ of readChunks(view, bytes));
  return bytes.buffer;
}

async function readValues(view: WeightView): Promise<StoredArray> {
  const values = decodeArray(await readBytes(view), view.dtype);
  if (view.transposed !== true) return values;
  const [rows, columns] = view.shape;
  const turned = values.slice();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[row * columns + column] = values[column * rows + row];
    }
  }
  return turned;
}

/** The values of a view in the order of its shape, as float32. Any dtype. */
export const readTensor = async (view: WeightView): Promise<Float32Array> =>
  toFloat32(await readValues(view));

/**
 * All tensors of a file by name, for small files. Throws WeightsFileFault for one that is missing, cut short,
 * or whose header is not true.
 */
export async function readSafetensors(path: string): Promise<Map<string, StoredTensor>> {
  const { tensors } = await readHeader(path);
  const read = new Map<string, StoredTensor>();
  for (const [name, view] of tensors) {
    read.set(name, { dtype: view.dtype, shape: view.shape, data: await readValues(view) });
  }
  return read;
}

/** The same of its bytes, read by the caller in one go. Throws WeightsFileFault for `file`. */
export function parseSafetensors(
  whole: Uint8Array,
  file: string,
): SafetensorsHeader & { readonly stored: ReadonlyMap<string, StoredTensor> } {
  const header = headerOf(whole, file);
  const stored = new Map([...header.tensors].map(([name, { dtype, shape, offset, bytes }]) => {
    const data = decodeArray(whole.slice(offset, offset + bytes).buffer, dtype);
    return [name, { dtype, shape, data }] as const;
  }));
  return { ...header, stored };
}

/** Writes a file that Python's safetensors reads. Throws DiskFault; the old file then stays. */
export const writeSafetensors = (
  path: string,
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => writeAtomically(path, safetensorsChunks(tensors, metadata, path));
