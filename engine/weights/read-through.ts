// A .safetensors file read once from end to end: its SHA-256, and whether all its values are finite. One
// whose end was never written is refused. The next chunk is read while this one is worked on.
// The trap: a chunk must not begin within a value, so it never reaches from one dtype into another.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { StoredDType } from "../../lib/safetensors/dtype.ts";
import { allFinite, chunkBytes } from "./finite.ts";
import { fill, readHeader } from "../../lib/safetensors/safetensors.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";
import { fileFault, WeightsFileFault } from "../../lib/file-fault.ts";

export interface FileContent {
  /** SHA-256 in hex. */
  readonly digest: string;
  /** No tensor of the file holds a NaN or an infinity, whether a network wants it or not. */
  readonly finite: boolean;
}

/** No network of a model ends in so many zeros. */
const blankBytes = 1 << 18;

interface Chunk {
  readonly from: number;
  readonly length: number;
  readonly dtype: StoredDType;
}

/** In bytes of the file. */
export type ReadProgress = (done: number, total: number) => void;

/** Throws WeightsFileFault or DiskFault, and what `signal` says. */
export async function readThrough(
  file: string,
  signal: AbortSignal,
  onProgress: ReadProgress = () => {},
): Promise<FileContent> {
  const { tensors } = await readHeader(file, { anyType: true });
  const handle = await open(file, "r").catch((cause) => {
    throw fileFault(file, cause);
  });
  try {
    const { size } = await handle.stat();
    const chunks = spansOf([...tensors.values()], size).flatMap(cut);
    const hash = createHash("sha256");
    let finite = true;
    let zeros = 0;
    const buffers = [0, 1].map(() => new Uint32Array(chunkBytes / 4));
    const read = async (i: number) => {
      const words = buffers[i % 2];
      const bytes = new Uint8Array(words.buffer, 0, chunks[i].length);
      await fill(handle, bytes, bytes.length, chunks[i].from);
      return { words, bytes, dtype: chunks[i].dtype };
    };
    let reading = read(0);
    for (let i = 0; i < chunks.length; i++) {
      const { words, bytes, dtype } = await reading;
      signal.throwIfAborted();
      if (i + 1 < chunks.length) reading = read(i + 1);
      hash.update(bytes);
      finite = finite && allFinite(words, bytes.length, dtype);
      const last = bytes.findLastIndex((byte) => byte !== 0);
      zeros = last === -1 ? zeros + bytes.length : bytes.length - 1 - last;
      onProgress(chunks[i].from + bytes.length, size);
    }
    if (zeros >= blankBytes) throw blank(file);
    return { digest: hash.digest("hex"), finite };
  } catch (cause) {
    signal.throwIfAborted();
    throw fileFault(file, cause);
  } finally {
    await handle.close();
  }
}

const blank = (file: string) =>
  new WeightsFileFault({
    file,
    wanted: "weights up to its end",
    found:
      "nothing but zeros there, as a download leaves them that reserved its place and ended early",
    fix: "Download the file again.",
  });

/** The file from its first byte to its last: the header, then neighbouring tensors of one dtype as one. */
function spansOf(tensors: readonly WeightView[], size: number): Chunk[] {
  const inOrder = tensors.toSorted((a, b) => a.offset - b.offset);
  const spans: Chunk[] = [{ from: 0, length: inOrder[0]?.offset ?? size, dtype: "U8" }];
  for (const { offset, bytes, dtype } of inOrder) {
    const last = spans[spans.length - 1];
    if (spans.length > 1 && last.dtype === dtype) {
      spans[spans.length - 1] = { ...last, length: last.length + bytes };
    } else {
      spans.push({ from: offset, length: bytes, dtype });
    }
  }
  return spans;
}

const cut = ({ from, length, dtype }: Chunk): Chunk[] =>
  Array.from({ length: Math.ceil(length / chunkBytes) }, (_, i) => ({
    from: from + i * chunkBytes,
    length: Math.min(chunkBytes, length - i * chunkBytes),
    dtype,
  }));
