// Which memory plan a training takes: the fastest that fits, worked out from shapes alone before a
// session exists; and what else a run computes. Where not even plan C fits, a fault says what would.
// The trap: the largest size decides; smaller buckets of the same training need less.
import { lowered } from "../device/lower.ts";
import type { Provider } from "../device/messages.ts";
import { fault } from "../fault.ts";
import type { DType, Graph } from "../graph/graph.ts";
import * as graphs from "../networks/graphs.ts";
import type { AvailableMemory } from "./available-memory.ts";
import { type Estimate, estimateMemory, overheadOf, peakOf } from "./estimate.ts";
import { attentionBytesOf, keepOf, type MemoryPlan, memoryPlans } from "./memory-plan.ts";
import type { Networks } from "./networks-of.ts";
import { tileSide, tilingOf, type VaeWork } from "./vae-tiles.ts";

export class MemoryFault extends fault("MemoryFault", "world") {}

export interface MemoryQuestion {
  readonly networks: Networks;
  /** Of the latents: every bucket that is trained, or every picture that is encoded or drawn. */
  readonly sizes: readonly { readonly height: number; readonly width: number }[];
  readonly batch: number;
  readonly compute: DType;
  readonly provider: Provider;
  /** What the process (on the CPU) or the card may still take; undefined where nobody can say. */
  readonly available: AvailableMemory | undefined;
  /** The memory plans to choose from, fastest first. None: nothing is trained. */
  readonly plans: readonly MemoryPlan[];
}

export type Work = "training" | "text" | "prediction" | VaeWork;

export interface MemoryRow extends Estimate {
  readonly work: Work;
  /** Of training. */
  readonly plan?: MemoryPlan;
  /** Of the latents; of the tile where the VAE works in tiles. */
  readonly height: number;
  readonly width: number;
  readonly batch: number;
  readonly tiled: boolean;
  /** Bytes on the device. */
  readonly peak: number;
  readonly fits: boolean;
}

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
  /** What was chosen and why, to be said to the user. */
  readonly note: string;
}

/** A tensor above this is silently computed wrongly by WebGPU (measured on a limit of 128 MiB). */
const largestOnWebgpu = 128 * 2 ** 20;

/** Without knowing the card's memory: plan B fits cards of 10 GB and more at 1024 px. */
const planWhenUnknown: MemoryPlan = "B";

/**
 * The process without what it computes: runtime, libraries, garbage. Measured under Node and Deno, where
 * the peak of a whole training is this far above that of its graph.
 */
export const programBytes = 330 * 2 ** 20;

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

type Shape = Pick<MemoryRow, "work" | "plan" | "height" | "width" | "batch" | "tiled">;

function row(question: MemoryQuestion, shape: Shape, graph: Graph, beside = 0): MemoryRow {
  const { provider, available } = question;
  const alone = estimateMemory(graph, provider);
  const estimate = { ...alone, overhead: alone.overhead + beside };
  const peak = peakOf(estimate, provider) + (provider === "cpu" ? programBytes : 0);
  const isBindable = provider !== "webgpu" || estimate.largest <= largestOnWebgpu;
  const fits = isBindable && (available === undefined || peak <= available.bytes);
  return { ...shape, ...estimate, peak, fits };
}

const largestOf = ({ sizes }: MemoryQuestion) =>
  sizes.reduce((a, b) => b.height * b.width > a.height * a.width ? b : a);

/** What one step takes under a plan, at the largest size. */
export function trainingRow(question: MemoryQuestion, plan: MemoryPlan): MemoryRow {
  const { networks, batch, compute, provider } = question;
  const size = { batch, ...largestOf(question) };
  const options = { keep: keepOf(plan), attentionBytes: attentionBytesOf(plan, provider), compute };
  const graph = graphs.trainGraph(networks, size, options);
  // The same session also computes the loss alone (engine.ts).
  const beside = overheadOf(lowered(graphs.lossGraph(networks, size, compute), provider));
  return row(question, { work: "training", plan, ...size, tiled: false }, graph, beside);
}

/** The VAE on a whole picture, or on tiles where that does not fit. */
function vaeRow(question: MemoryQuestion, work: VaeWork): MemoryRow {
  const { networks, compute } = question;
  const { input } = tilingOf(work, networks.configs.vae);
  const of = (height: number, width: number, tiled: boolean) => {
    const size = { batch: 1, height: height * input, width: width * input };
    const graph = work === "encode"
      ? graphs.encodeGraph(networks, size, compute)
      : graphs.decodeGraph(networks, size, compute);
    return row(question, { work, batch: 1, height, width, tiled }, graph);
  };
  const { height, width } = largestOf(question);
  const whole = of(height, width, false);
  return whole.fits || Math.max(height, width) <= tileSide
    ? whole
    : of(Math.min(height, tileSide), Math.min(width, tileSide), true);
}

/** The VAE both ways. */
export const vaeRows = (question: MemoryQuestion): readonly MemoryRow[] => [
  vaeRow(question, "encode"),
  vaeRow(question, "decode"),
];

/** The text encoders, and a guided prediction. */
function forwardRows(question: MemoryQuestion): readonly MemoryRow[] {
  const { networks, batch, compute } = question;
  const size = largestOf(question);
  return [
    row(
      question,
      { work: "text", batch, ...size, tiled: false },
      graphs.textGraph(networks, batch, compute),
    ),
    row(
      question,
      { work: "prediction", batch: 2, ...size, tiled: false },
      graphs.predictionGraph(networks, { batch: 2, ...size }, compute),
    ),
  ];
}

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
    trainingSessions: provider === "cpu" || chosen === undefined
      ? undefined
      : Math.max(1, Math.floor((available?.bytes ?? 0) / chosen.peak)),
    note: chosen === undefined
      ? room
      : `memory plan ${chosen.plan}: about ${gib(chosen.peak)} on ${provider}; ${room}`,
  };
}

/** What sessions hold beside a training: on the CPU they share the weights' pages with it. */
const beside = ({ provider }: MemoryQuestion, rows: readonly MemoryRow[]): number =>
  rows.reduce(
    (sum, { peak, weights }) => sum + peak - (provider === "cpu" ? weights + programBytes : 0),
    0,
  );

const least = (rows: readonly MemoryRow[]) => rows.reduce((a, b) => b.peak < a.peak ? b : a);

function tooLarge({ available, provider, networks }: MemoryQuestion, row: MemoryRow): MemoryFault {
  const { input: factor } = tilingOf("encode", networks.configs.vae);
  const pixels = `${factor * row.width}x${factor * row.height} px, batch ${row.batch}`;
  const work = row.plan === undefined ? `a ${row.work}` : `memory plan ${row.plan}`;
  const [wanted, found] = available !== undefined && row.peak > available.bytes
    ? [
      `${gib(row.peak)} of memory on ${provider} for ${work} at ${pixels}`,
      `${gib(available.bytes)} free (${available.by})`,
    ]
    : [`tensors of at most ${gib(largestOnWebgpu)} on ${provider}`, gib(row.largest)];
  const further = row.plan === undefined || row.plan === "C" ? "" : ", or memory_plan C";
  return new MemoryFault({
    key: "memory_plan",
    wanted,
    found,
    fix: `Choose a smaller resolution or batch${further}, or free memory.`,
  });
}
