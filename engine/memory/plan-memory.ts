// Which memory plan a training takes: the fastest that fits, worked out from shapes alone before a
// session exists; and what else a run computes. Where not even plan C fits, a fault says what would.
// The trap: another plan may give other last bits, so whoever trains keeps to the one that was chosen.
import { fault } from "../../lib/fault.ts";
import { type MemoryPlan, memoryPlans } from "./memory-plan.ts";
import { contextOf } from "./estimate.ts";
import {
  forwardRows,
  largestOnWebgpu,
  type MemoryQuestion,
  type MemoryRow,
  programBytes,
  trainingRow,
  vaeRows,
} from "./memory-rows.ts";
import { tilingOf, type VaeWork } from "./vae-tiles.ts";

export class MemoryFault extends fault("MemoryFault", "world") {}

export interface MemoryAdvice {
  /** The fastest that fits; where none does, the last. */
  readonly plan: MemoryPlan;
  /** Why it cannot be done at all. */
  readonly refusal: MemoryFault | undefined;
  /** One row for each plan that was looked at, and one for each other kind of work looked at. */
  readonly rows: readonly MemoryRow[];
  /** What the VAE does in tiles, because whole pictures do not fit. */
  readonly tiles: readonly VaeWork[];
  /**
   * How many sizes' training graphs a card can hold at once, each with its own copy of the weights;
   * undefined: as many as there are, because on the CPU they share the mapped file.
   */
  readonly trainingSessions: number | undefined;
  /** While the training's memory is held, there is none left to draw pictures in. */
  readonly tight: boolean;
  /**
   * Bytes that encoding pictures takes while a training goes on beside it; undefined: that does not fit, or
   * is on a card, which holds its weights for both, so they are encoded first.
   */
  readonly encodeBeside: number | undefined;
  /** What was chosen and why, to be said to the user. */
  readonly note: string;
}

/** Without knowing the card's memory: plan B fits cards of 10 GB and more at 1024 px. */
const planWhenUnknown: MemoryPlan = "B";

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/**
 * The fastest plan that fits. Plans that the choice does not depend on are looked at only with `all`, for
 * a table.
 */
export function planMemory(question: MemoryQuestion, all = false): MemoryAdvice {
  const { provider, available, plans } = question;
  const trained: MemoryRow[] = [];
  const isEligible = (row: MemoryRow) =>
    row.fits && plans.includes(row.plan!) &&
    (available !== undefined || plans.length === 1 || row.plan! >= planWhenUnknown);
  let chosen: MemoryRow | undefined;
  for (const plan of all && plans.length > 0 ? memoryPlans : plans) {
    if (chosen !== undefined && !all) break;
    const row = trainingRow(question, plan);
    trained.push(row);
    if (isEligible(row)) chosen ??= row;
  }
  const forward = forwardRows(question);
  const vae = vaeRows(question);
  const needed = plans.length === 0
    ? forward.find(({ fits }) => !fits)
    : chosen ?? least(trained.filter(({ plan }) => plans.includes(plan!)));
  const encoding = encodingBeside(vae[0].peak - programBytes);
  const encodeBeside = chosen !== undefined && provider === "cpu" &&
      available !== undefined && chosen.peak + encoding <= available.bytes
    ? encoding
    : undefined;
  const encoded = encodeBeside === undefined
    ? "pictures are encoded before it"
    : `${gib(encodeBeside)} to encode pictures beside it`;
  const room = available === undefined
    ? `nobody can say what the ${provider} device has free`
    : `${gib(available.bytes)} free (${available.by})`;
  return {
    plan: chosen?.plan ?? plans.at(-1) ?? "A",
    refusal: needed === undefined || needed === chosen ? undefined : tooLarge(question, needed),
    tight: chosen !== undefined && available !== undefined &&
      chosen.peak + beside(question, [...forward, vae[1]]) > available.bytes,
    rows: [...trained, ...forward, ...vae],
    tiles: (["encode", "decode"] as const).filter((work) =>
      vae.some((row) => row.work === work && row.tiled)
    ),
    encodeBeside,
    trainingSessions: provider === "cpu" || chosen === undefined
      ? undefined
      : Math.max(1, Math.floor((available?.bytes ?? 0) / chosen.peak)),
    note: chosen === undefined
      ? room
      : `memory plan ${chosen.plan}: about ${gib(chosen.peak)} on ${provider}, ${encoded}; ${room}`,
  };
}

/** Of bytes that it takes by itself: beside a training its pictures and its heap come on top (measured). */
export const encodingBeside = (alone: number): number => 1.5 * alone + 16 * 2 ** 20;

/** What sessions hold beside a training: on the CPU they share the weights' pages with it. */
const beside = ({ provider }: MemoryQuestion, rows: readonly MemoryRow[]): number =>
  rows.reduce(
    (sum, { peak, weights }) =>
      sum + peak - (provider === "cpu" ? weights + programBytes : contextOf(provider)),
    0,
  );

/** Of equals the last, which is the thriftiest plan. */
const least = (rows: readonly MemoryRow[]) => rows.reduce((a, b) => b.peak <= a.peak ? b : a);

function tooLarge({ available, provider, networks }: MemoryQuestion, row: MemoryRow): MemoryFault {
  const { input: factor } = tilingOf("encode", networks.configs.vae);
  const pixels = `${factor * row.width}x${factor * row.height} px, batch ${row.batch}`;
  const work = row.plan === undefined ? `a ${row.work}` : `memory plan ${row.plan}`;
  const [wanted, found] = available !== undefined && row.peak > available.bytes
    ? [
      `${gib(row.peak)} of memory on ${provider} for ${work} at ${pixels}`,
      `${gib(available.bytes)} free (${available.by})`,
    ]
    : [
      `convolutions of tensors of at most ${gib(largestOnWebgpu)} on ${provider}`,
      gib(row.largest),
    ];
  const further = row.plan === undefined || row.plan === "C" ? "" : ", or memory_plan C";
  return new MemoryFault({
    key: "memory_plan",
    wanted,
    found,
    fix: `Choose a smaller resolution or batch${further}, or free memory.`,
  });
}
