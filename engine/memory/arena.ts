// ONNX Runtime's arena on the CPU (BFCArena: best fit with coalescing), to know what a run really takes:
// the arena asks for regions of doubling size, gives out the smallest free chunk that fits, cuts it only
// where half of it would be left, and joins free neighbours. What counts is what was ever touched.
// The trap: a region that was asked for costs nothing until it is written.
import type { Buffer } from "./buffers.ts";

const alignment = 256;
const firstRegion = 2 ** 20;
/** Regions double no further, unless more is asked for at once. */
const largestRegion = 2 ** 30;
/** A chunk that leaves more than this is cut, however large the wish. */
const mostWaste = 128 * 2 ** 20;
/** Memory is counted in pieces of this size, larger ones where a buffer would have very many. */
const leastPage = 2 ** 14;
const mostPages = 2 ** 18;

interface Chunk {
  readonly region: number;
  readonly offset: number;
  size: number;
  isFree: boolean;
  before: Chunk | undefined;
  after: Chunk | undefined;
}

class Arena {
  readonly #regions: Uint8Array[] = [];
  readonly #free: Chunk[] = [];
  readonly #page: number;
  #next = firstRegion;
  #touchedPages = 0;

  constructor(page: number) {
    this.#page = page;
  }

  get touchedBytes(): number {
    return this.#touchedPages * this.#page;
  }

  allocate(bytes: number): Chunk {
    const size = Math.max(1, Math.ceil(bytes / alignment)) * alignment;
    const chunk = this.#take(size) ?? this.#extend(size);
    chunk.isFree = false;
    if (chunk.size >= 2 * size || chunk.size - size >= mostWaste) this.#cut(chunk, size);
    const touched = this.#regions[chunk.region];
    const end = Math.ceil((chunk.offset + bytes) / this.#page);
    for (let i = Math.floor(chunk.offset / this.#page); i < end; i++) {
      if (touched[i] === 0) this.#touchedPages++;
      touched[i] = 1;
    }
    return chunk;
  }

  release(chunk: Chunk): void {
    const { before, after } = chunk;
    let joined = chunk;
    if (before?.isFree) {
      this.#forget(before);
      before.size += chunk.size;
      before.after = after;
      if (after !== undefined) after.before = before;
      joined = before;
    }
    if (after?.isFree) {
      this.#forget(after);
      joined.size += after.size;
      joined.after = after.after;
      if (after.after !== undefined) after.after.before = joined;
    }
    joined.isFree = true;
    this.#remember(joined);
  }

  #cut(chunk: Chunk, size: number): void {
    const { region, offset, after } = chunk;
    const rest: Chunk = {
      region,
      offset: offset + size,
      size: chunk.size - size,
      isFree: true,
      before: chunk,
      after,
    };
    if (after !== undefined) after.before = rest;
    chunk.size = size;
    chunk.after = rest;
    this.#remember(rest);
  }

  #extend(size: number): Chunk {
    const enough = this.#next >= size;
    while (this.#next < size) this.#next *= 2;
    const chunk: Chunk = {
      region: this.#regions.length,
      offset: 0,
      size: this.#next,
      isFree: true,
      before: undefined,
      after: undefined,
    };
    this.#regions.push(new Uint8Array(Math.ceil(this.#next / this.#page)));
    if (enough) this.#next = Math.min(2 * this.#next, largestRegion);
    return chunk;
  }

  /** Free chunks by size, then by address: what the system maps later lies lower. */
  #place(chunk: Pick<Chunk, "size" | "region" | "offset">): number {
    let [low, high] = [0, this.#free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#free[middle];
      const order = other.size - chunk.size || chunk.region - other.region ||
        other.offset - chunk.offset;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remember(chunk: Chunk): void {
    this.#free.splice(this.#place(chunk), 0, chunk);
  }

  #forget(chunk: Chunk): void {
    this.#free.splice(this.#place(chunk), 1);
  }

  #take(size: number): Chunk | undefined {
    const at = this.#place({ size, region: Infinity, offset: 0 });
    return this.#free.splice(at, 1)[0];
  }
}

/**
 * Bytes that the arena touches when these buffers are allocated and freed in this order, so many times. The
 * second run finds all regions free, and takes others than the first (measured); a third is like it.
 */
export function arenaBytes(buffers: readonly Buffer[], runs = 2): number {
  const largest = buffers.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  const arena = new Arena(Math.max(leastPage, Math.ceil(largest / mostPages)));
  for (let run = 0; run < runs; run++) {
    const ending = new Map<number, Chunk[]>();
    let at = 0;
    for (const { bytes, from, to } of buffers) {
      for (; at < from; at++) {
        for (const chunk of ending.get(at) ?? []) arena.release(chunk);
        ending.delete(at);
      }
      const chunk = arena.allocate(bytes);
      const others = ending.get(to);
      if (others === undefined) ending.set(to, [chunk]);
      else others.push(chunk);
    }
    for (const chunk of [...ending.values()].flat()) arena.release(chunk);
  }
  return arena.touchedBytes;
}
