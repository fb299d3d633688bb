// Looks for NaN and infinities in stored weights, without converting them. Two halves (or four bytes) are
// looked at together: a value is not finite exactly if all bits of its exponent are set, and adding the
// exponent's lowest bit then carries into the sign's place. The trap: F8_E4M3 has one NaN and no infinity.
import { fault } from "../fault.ts";
import type { StoredDType } from "./dtype.ts";
import { readBytes } from "./safetensors.ts";
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

/** Index of a view's first value that is NaN or infinite, or undefined. Integers are always finite. */
export async function firstNonFinite(view: WeightView): Promise<number | undefined> {
  const pattern = patterns[view.dtype];
  if (pattern === undefined || view.bytes === 0) return undefined;
  const buffer = await readBytes(view);
  const whole = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
  const width = view.bytes / view.shape.reduce((product, side) => product * side, 1);
  const word = firstCarry(whole, pattern, width === 8 ? 1 : 0, width === 8 ? 2 : 1);
  const tail = new Uint32Array(1);
  const tailStart = whole.length * 4;
  new Uint8Array(tail.buffer).set(new Uint8Array(buffer, tailStart));
  const from = word ?? (firstCarry(tail, pattern, 0, 1) === undefined ? undefined : whole.length);
  return from === undefined
    ? undefined
    : indexWithin(new Uint8Array(buffer), from * 4, width, pattern);
}

function firstCarry(
  words: Uint32Array,
  [keep, add, carry]: readonly [number, number, number],
  start: number,
  step: number,
): number | undefined {
  const block = 1 << 14;
  for (let from = start; from < words.length; from += block) {
    const end = Math.min(from + block, words.length);
    let seen = 0;
    for (let i = from; i < end; i += step) seen |= (words[i] & keep) + add;
    if ((seen & carry) === 0) continue;
    for (let i = from; i < end; i += step) if ((((words[i] & keep) + add) & carry) !== 0) return i;
  }
  return undefined;
}

/** Which of the values in the word at byte `from` it is. */
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
