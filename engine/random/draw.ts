// Every random choice of a training, drawn at an address: the same (seed, purpose, step, item) gives
// the same values whatever was drawn before, so a step can be replayed alone and resume needs no
// generator state. The trap: two draws at one address are the same draw; give each its own purpose.
import { fault } from "../../lib/fault.ts";
import { cos, log, sin } from "./exact-math.ts";
import { type Key, philox } from "../../lib/philox.ts";

export class DrawFault extends fault("DrawFault", "defect") {}

/** Where a draw happens. `seed` below 2^53; `step` and `item` below 2^32. */
export interface Address {
  /** Of the training, or of the picture. */
  readonly seed: number;
  /** What is drawn, e.g. "noise", "timestep", "posterior", "shuffle". */
  readonly purpose: string;
  /** Training step, epoch, or 0 where there is none. */
  readonly step: number;
  /** Index within the step (of the batch's item, of the picture), or 0. */
  readonly item: number;
}

const WORDS = 0x100000000;
const TWO_PI = 6.283185307179586;

function demand(name: string, value: number, below: number): void {
  if (Number.isInteger(value) && value >= 0 && value < below) return;
  throw new DrawFault({
    key: name,
    wanted: `an integer from 0 to ${below - 1}`,
    found: `${value}`,
    fix: "Draw at an address within the range",
  });
}

/** FNV-1a over the UTF-16 units: a word that tells purposes apart. */
function hashed(purpose: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < purpose.length; i++) {
    hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/** The endless stream of 32-bit words at an address: key = seed, counter = address and block. */
function wordsAt({ seed, purpose, step, item }: Address): () => number {
  demand("seed", seed, Number.MAX_SAFE_INTEGER + 1);
  demand("step", step, WORDS);
  demand("item", item, WORDS);
  const key: Key = [seed % WORDS, Math.floor(seed / WORDS)];
  const name = hashed(purpose);
  const block = new Uint32Array(4);
  let used = 0;
  return () => {
    const place = used++ % 4;
    if (place === 0) philox([(used - 1) / 4, item, step, name], key, block);
    return block[place];
  };
}

/** 53 random bits as a number in [0, 1). */
const uniform = (word: () => number): number =>
  ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;

/** `n` numbers, uniform in [0, 1). A shorter draw is a prefix of a longer one. Throws DrawFault. */
export function uniforms(address: Address, n: number): Float64Array {
  const word = wordsAt(address);
  return new Float64Array(n).map(() => uniform(word));
}

/**
 * `n` standard normal numbers (Box-Muller), the same on every machine. A shorter draw is a prefix of a longer
 * one. Throws DrawFault.
 */
export function normals(address: Address, n: number): Float64Array {
  const word = wordsAt(address);
  const values = new Float64Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = Math.sqrt(-2 * log(1 - uniform(word)));
    const angle = TWO_PI * uniform(word);
    values[i] = radius * cos(angle);
    if (i + 1 < n) values[i + 1] = radius * sin(angle);
  }
  return values;
}

/** A word below `below`, each equally likely: words past the last whole multiple are drawn again. */
function wordBelow(word: () => number, below: number): number {
  const limit = WORDS - (WORDS % below);
  for (;;) {
    const value = word();
    if (value < limit) return value % below;
  }
}

/** An integer from 0 to `below` - 1, each equally likely; `below` at most 2^32. Throws DrawFault. */
export function randomInt(address: Address, below: number): number {
  demand("below", below - 1, WORDS);
  return wordBelow(wordsAt(address), below);
}

/** The integers 0 to `n` - 1 in a random order (Fisher-Yates), every order equally likely. */
export function shuffled(address: Address, n: number): number[] {
  const word = wordsAt(address);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let last = n - 1; last > 0; last--) {
    const other = wordBelow(word, last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
