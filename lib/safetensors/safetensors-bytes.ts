// The bytes of a .safetensors file: its header, then every tensor. Equal tensors give equal bytes, whatever
// their order.
// The trap: big tensors come as streams of their stored bytes, so a wrong length shows only while writing.
import { fault } from "../fault.ts";
import { type StoredArray, toBytes } from "./convert.ts";
import { storedBytes, type StoredDType } from "./dtype.ts";

class TensorDataFault extends fault("TensorDataFault", "defect") {}

/** A tensor of a file that is written. */
export interface TensorToWrite {
  /** As it is stored, by safetensors' names: "F32", "BF16", "I64" and so on. */
  readonly dtype: StoredDType;
  /** The sides, slowest first; their product is how many values there are. */
  readonly shape: readonly number[];
  /** Values (a Float32Array is rounded to F16 or BF16), or a source of the stored bytes, for big ones. */
  readonly data: StoredArray | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>);
}

type Tensors = ReadonlyMap<string, TensorToWrite>;
type Metadata = Readonly<Record<string, string>>;

/** Widest first, then by name, so that every tensor is aligned whatever is in the file. */
const inFileOrder = (
  [a, { dtype: dtypeA }]: readonly [string, TensorToWrite],
  [b, { dtype: dtypeB }]: readonly [string, TensorToWrite],
) => storedBytes[dtypeB] - storedBytes[dtypeA] || (a < b ? -1 : 1);

/** In order. `file` is for the fault. Throws TensorDataFault. */
export async function* safetensorsChunks(
  tensors: Tensors,
  metadata: Metadata,
  file: string,
): AsyncGenerator<Uint8Array> {
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
        file,
        tensor: name,
        wanted: `the bytes of ${dtype} ${JSON.stringify(shape)}`,
        found: `${Math.abs(expected - written)} bytes too ${written < expected ? "few" : "many"}`,
        fix: "Report this: a tensor was given with data of another length.",
      });
    }
  }
}

/** All of them, for small files that somebody else writes. Throws TensorDataFault. */
export async function safetensorsBytes(
  tensors: Tensors,
  metadata: Metadata,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts = await Array.fromAsync(safetensorsChunks(tensors, metadata, file));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}
