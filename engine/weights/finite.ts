// Looks for NaN and infinities in stored weights, without converting them. Two halves (or four bytes) are
// looked at together: a value is not finite exactly if all bits of its exponent are set, and adding the
// exponent's lowest bit then carries into the sign's place. The trap: F8_E4M3 has one NaN and no infinity.
import { fault } from "../fault.ts";
import { storedBytes, type StoredDType } from "./dtype.ts";
import { readChunks } from "./safetensors.ts";
import type { WeightTable, WeightView } from "./weight-view.ts";

export class WeightsNotFinite extends fault("WeightsNotFinite", "user") {}

/** [bits kept, what to add, where the carry shows], over one 32-bit word. */
const patterns: Partial<Record<StoredDType, readonly [keep: number, add: number, carry: number]>> =
  {
    F64: [0x7ff00000, 0x00100000, 0x80000000],
    F32: [0x7f800000, 0x00800000, 0x80000000],
    F16: [0x7c007c00, 0x04000400, 0x80008000],
    BF16: [0x7f807f80, 0x00800080, 0x80008000],
    F8_E5M2: [0x7c7c7c7c, 0x04040404, 0x80808080],
    F8_E4M3: [0x7f7f7f7f, 0x01010101, 0x80808080],
  };

/** A multiple of every dtype's width; small enough for the processor's cache. */
const chunk = 1 << 20;

/** Index of a view's first value that is NaN or infinite, or undefined. Integers are always finite. */
export async function firstNonFinite(view: WeightView): Promise<number | undefined> {
  const pattern = patterns[view.dtype];
  if (pattern === undefined) return undefined;
  const width = storedBytes[view.dtype];
  const bytes = new Uint8Array(Math.min(chunk, Math.ceil(view.bytes / 4) * 4));
  const words = new Uint32Array(bytes.buffer);
  const [start, step] = width === 8 ? [1, 2] : [0, 1];
  for await (const [from, length] of readChunks(view, bytes)) {
    bytes.fill(0, length, Math.ceil(length / 4) * 4);
    const word = firstCarry(words.subarray(0, Math.ceil(length / 4)), pattern, start, step);
    if (word !== undefined) return from / width + indexWithin(bytes, word * 4, width, pattern);
  }
  return undefined;
}

function firstCarry(
  words: Uint32Array,
  [keep, add, carry]: readonly [number, number, number],
  start: number,
  step: number,
): number | undefined {
  let seen = 0;
  for (let i = start; i < words.length; i += step) seen |= (words[i] & keep) + add;
  if ((seen & carry) === 0) return undefined;
  let first = start;
  while ((((words[first] & keep) + add) & carry) === 0) first += step;
  return first;
}

/** Which value of the chunk it is, given the byte where the word starts. */
function indexWithin(
  bytes: Uint8Array,
  from: number,
  width: number,
  [keep, add, carry]: readonly [number, number, number],
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
