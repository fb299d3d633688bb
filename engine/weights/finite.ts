// Looks for NaN and infinities in stored weights, without converting them. Two halves (or four bytes) are
// looked at together: a value is not finite exactly if all bits of its exponent are set, and adding the
// exponent's lowest bit then carries into the sign's place. The trap: F8_E4M3 has one NaN and no infinity,
// and of a double only the second word holds an exponent.
import { fault } from "../../lib/fault.ts";
import { storedBytes, type StoredDType } from "../../lib/safetensors/dtype.ts";
import { readChunks } from "../../lib/safetensors/safetensors.ts";
import type { WeightTable, WeightView } from "../../lib/safetensors/weight-view.ts";

export class WeightsNotFinite extends fault("WeightsNotFinite", "user") {}

/** Bits kept of the even and the odd words, what to add to them, and where the carry shows. */
type Pattern = readonly [even: number, odd: number, add: number, carry: number];

const patterns: Partial<Record<StoredDType, Pattern>> = {
  F64: [0, 0x7ff00000, 0x00100000, 0x80000000],
  F32: [0x7f800000, 0x7f800000, 0x00800000, 0x80000000],
  F16: [0x7c007c00, 0x7c007c00, 0x04000400, 0x80008000],
  BF16: [0x7f807f80, 0x7f807f80, 0x00800080, 0x80008000],
  F8_E5M2: [0x7c7c7c7c, 0x7c7c7c7c, 0x04040404, 0x80808080],
  F8_E4M3: [0x7f7f7f7f, 0x7f7f7f7f, 0x01010101, 0x80808080],
};

/** A multiple of every dtype's width and of a block; small enough for the processor's cache. */
export const chunkBytes = 1 << 20;

/** Words that are looked at in one turn of the loop. */
const block = 4;

/** What `length` bytes take in whole blocks. */
const inBlocks = (length: number) => Math.ceil(length / (4 * block)) * block * 4;

/**
 * Whether the first `length` bytes of `chunk` hold finite values only. Its buffer is `chunkBytes` long;
 * what is left of the last block is overwritten with zeros.
 */
export function allFinite(chunk: Uint32Array, length: number, dtype: StoredDType): boolean {
  const pattern = patterns[dtype];
  if (pattern === undefined) return true;
  new Uint8Array(chunk.buffer).fill(0, length, inBlocks(length));
  return !carries(chunk, inBlocks(length) / 4, pattern);
}

/** Index of a view's first value that is NaN or infinite, or undefined. Integers are always finite. */
export async function firstNonFinite(view: WeightView): Promise<number | undefined> {
  const pattern = patterns[view.dtype];
  if (pattern === undefined) return undefined;
  const width = storedBytes[view.dtype];
  const bytes = new Uint8Array(Math.min(chunkBytes, inBlocks(view.bytes)));
  const words = new Uint32Array(bytes.buffer);
  for await (const [from, length] of readChunks(view, bytes)) {
    if (allFinite(words, length, view.dtype)) continue;
    return from / width + indexWithin(bytes, 4 * firstCarry(words, pattern), width, pattern);
  }
  return undefined;
}

/** Four sums beside each other: the processor need not wait for one before it begins the next. */
function carries(words: Uint32Array, count: number, [even, odd, add, carry]: Pattern): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < count; i += block) {
    a |= (words[i] & even) + add;
    b |= (words[i + 1] & odd) + add;
    c |= (words[i + 2] & even) + add;
    d |= (words[i + 3] & odd) + add;
  }
  return ((a | b | c | d) & carry) !== 0;
}

const firstCarry = (words: Uint32Array, [even, odd, add, carry]: Pattern): number =>
  words.findIndex((word, i) => (((word & (i % 2 === 0 ? even : odd)) + add) & carry) !== 0);

/** Which value of the chunk it is, given the byte where the word starts. */
function indexWithin(
  bytes: Uint8Array,
  from: number,
  width: number,
  [keep, , add, carry]: Pattern,
): number {
  if (width >= 4) return Math.floor(from / width);
  for (let at = from;; at += width) {
    const value = width === 2 ? bytes[at] | (bytes[at + 1] << 8) : bytes[at];
    const mask = width === 2 ? 0xffff : 0xff;
    if ((((value & keep & mask) + (add & mask)) & carry & mask) !== 0) return at / width;
  }
}

/** Reads all of the tables' weights once. Throws WeightsNotFinite for the first tensor that is not. */
export async function checkFinite(tables: Iterable<WeightTable>): Promise<void> {
  for (const table of tables) {
    for (const view of table.values()) {
      const index = await firstNonFinite(view);
      if (index === undefined) continue;
      throw new WeightsNotFinite({
        file: view.file,
        tensor: view.name,
        wanted: "finite weights",
        found: `NaN or infinity at value ${index} of ${JSON.stringify(view.shape)}`,
        fix: "The file is damaged or was merged wrongly: take another copy or another model.",
      });
    }
  }
}
