// Tensors out of and into .safetensors files. Reading converts to float32 or float64 as asked; training
// itself never reads weights this way, ONNX Runtime maps the file. Writing is atomic and deterministic:
// equal tensors give equal bytes, whatever their order.
// The trap: `readTensor` of a view with `transposed` gives [out, in], as `view.shape` says, not the file's order.
import { type FileHandle, open } from "node:fs/promises";
import { fault } from "../fault.ts";
import { writeAtomically } from "./atomic-file.ts";
import { decodeArray, type StoredArray, toBytes, toFloat32, toFloat64 } from "./convert.ts";
import { storedBytes, type StoredDType } from "./dtype.ts";
import { readHeader } from "./safetensors-header.ts";
import { fileFault } from "./weights-file-fault.ts";
import type { WeightView } from "./weight-view.ts";
export { readHeader, type SafetensorsHeader } from "./safetensors-header.ts";

class TensorDataFault extends fault("TensorDataFault", "defect") {}

export interface StoredTensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Float32Array for F32, F16, BF16 and F8, else the array of the dtype. */
  readonly data: StoredArray;
}

export interface TensorToWrite {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Values (a Float32Array is rounded to F16 or BF16), or a source of the stored bytes, for big ones. */
  readonly data: StoredArray | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>);
}

/**
 * Reads the stored bytes of a view into `buffer`, over and over: yields where in the view a part starts
 * and how long it is. Throws WeightsStorageFault.
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

/** The stored bytes of a view. Throws WeightsStorageFault. */
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

/** The values of a view in the order of its shape, as float64. Any dtype. */
export const readFloat64 = async (view: WeightView): Promise<Float64Array> =>
  toFloat64(await readValues(view));

/** A whole file, for small ones. Throws WeightsFileFault as `readHeader` does. */
export async function readSafetensors(path: string): Promise<Map<string, StoredTensor>> {
  const { tensors } = await readHeader(path);
  const read = new Map<string, StoredTensor>();
  for (const [name, view] of tensors) {
    read.set(name, { dtype: view.dtype, shape: view.shape, data: await readValues(view) });
  }
  return read;
}

/** Widest first, then by name, so that every tensor is aligned whatever is in the file. */
const inFileOrder = (
  [a, { dtype: dtypeA }]: readonly [string, TensorToWrite],
  [b, { dtype: dtypeB }]: readonly [string, TensorToWrite],
) => storedBytes[dtypeB] - storedBytes[dtypeA] || (a < b ? -1 : 1);

/**
 * Writes a file that Python's safetensors reads. Throws WeightsStorageFault; the old file then stays.
 * `write` puts the chunks on disk; the runner gives its own, whose file system tests can replace.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
  write: typeof writeAtomically = writeAtomically,
): Promise<void> {
  const sorted = [...tensors].sort(inFileOrder);
  let end = 0;
  const entries = sorted.map(([name, { dtype, shape }]) => {
    const bytes = shape.reduce((product, side) => product * side, 1) * storedBytes[dtype];
    return [name, { dtype, shape, data_offsets: [end, end += bytes] }] as const;
  });
  const pairs = Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1);
  const leading = pairs.length === 0 ? [] : [["__metadata__", Object.fromEntries(pairs)] as const];
  const json = new TextEncoder().encode(
    JSON.stringify(Object.fromEntries([...leading, ...entries])),
  );
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);

  await write(
    path,
    (async function* () {
      yield head;
      let written = 0;
      for (const [index, [name, { dtype, shape, data }]] of sorted.entries()) {
        for await (const chunk of typeof data === "function" ? data() : [toBytes(data, dtype)]) {
          written += chunk.length;
          yield chunk;
        }
        const [, expected] = entries[index][1].data_offsets;
        if (written !== expected) {
          throw new TensorDataFault({
            file: path,
            tensor: name,
            wanted: `the bytes of ${dtype} ${JSON.stringify(shape)}`,
            found: `${Math.abs(expected - written)} bytes too ${
              written < expected ? "few" : "many"
            }`,
            fix: "Report this: a tensor was given with data of another length.",
          });
        }
      }
    })(),
  );
}
