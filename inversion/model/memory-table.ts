// What a training takes under each memory plan, and what else is computed, as the plan of a run shows it.
import { Schema } from "effect";
import { memoryPlans } from "../../engine/memory/memory-plan.ts";
import type { FoundMemory } from "./find-memory.ts";

const { Array: List, Boolean: Flag, Finite, Literals, NullOr, Struct } = Schema;

/** Bytes, worked out from shapes. */
export const MemoryTable = Struct({
  /** The plan that is taken. */
  plan: Literals(memoryPlans),
  /** Bytes that the device has free; null: nobody can say, and so not what fits. */
  available: NullOr(Finite),
  /** What encoding pictures takes beside the training; null: they are encoded before it. */
  encodeBeside: NullOr(Finite),
  rows: List(Struct({
    work: Literals(["training", "text", "prediction", "encode", "decode"]),
    /** Of training. */
    plan: Schema.optionalKey(Literals(memoryPlans)),
    /** In pixels; of a tile where the VAE works in tiles. */
    height: Finite,
    width: Finite,
    batch: Finite,
    tiled: Flag,
    weights: Finite,
    activations: Finite,
    overhead: Finite,
    peak: Finite,
    fits: Flag,
  })),
});
export type MemoryTable = typeof MemoryTable.Type;

/** In pixels where the planner counts latents. */
export const memoryTableOf = (
  { plan, rows, factor, available, encodeBeside }: FoundMemory,
): MemoryTable => ({
  plan,
  available,
  encodeBeside: encodeBeside ?? null,
  rows: rows.map(({ largest: _, cost: __, height, width, ...row }) => ({
    ...row,
    height: height * factor,
    width: width * factor,
  })),
});
