// What each kind of work takes of memory, from shapes alone: a training step under a plan, the VAE, the
// text encoders, a prediction; and whether that fits.
// The trap: the largest size decides; smaller buckets of the same training need less.
import { lowered } from "../device/lower.ts";
import type { Provider } from "../device/providers.ts";
import type { DType } from "../graph/graph.ts";
import * as graphs from "../networks/graphs.ts";
import type { AvailableMemory } from "./available-memory.ts";
import { type Estimate, estimateMemory, overheadOf, peakOf } from "./estimate.ts";
import type { MemoryPlan } from "./memory-plan.ts";
import { measureTrainingGraphs } from "./training-graphs.ts";
import { copiesOf } from "../weights/small-model.ts";
import { tileSide, tilingOf, type VaeWork } from "./vae-tiles.ts";

export interface MemoryQuestion {
  readonly networks: graphs.Networks;
  /** Of the latents: every bucket that is trained, or every picture that is encoded or drawn. */
  readonly sizes: readonly { readonly height: number; readonly width: number }[];
  readonly batch: number;
  readonly compute: DType;
  readonly provider: Provider;
  /** Whether the device computes products in float32, whatever the type (wide-sums.ts). */
  readonly wideSums?: boolean;
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

/**
 * A convolution of larger tensors is refused on WebGPU: an older ONNX Runtime computed it wrongly without a
 * word, and nobody has seen 1.30 do it right. All other operators were right on 160 MiB (docs/measured.md).
 */
export const largestOnWebgpu = 128 * 2 ** 20;

/**
 * The process without what it computes: runtime, libraries, garbage. Measured under Node and Deno, where
 * the peak of a whole training is this far above that of its graph.
 */
export const programBytes = 330 * 2 ** 20;

type Shape = Pick<MemoryRow, "work" | "plan" | "height" | "width" | "batch" | "tiled">;

/** Shapes decide alone, and the same work is asked about by the plan and by every engine of a run. */
const estimates = new WeakMap<graphs.Networks, Map<string, Estimate>>();

function estimated(
  { networks, provider, compute, wideSums }: MemoryQuestion,
  shape: Shape,
  estimate: () => Estimate,
): Estimate {
  const known = estimates.get(networks) ?? new Map<string, Estimate>();
  estimates.set(networks, known);
  const key = JSON.stringify([provider, compute, wideSums === true, shape]);
  const found = known.get(key) ?? estimate();
  known.set(key, found);
  return found;
}

function row(question: MemoryQuestion, shape: Shape, estimate: () => Estimate): MemoryRow {
  const { provider, available } = question;
  const expected = estimated(question, shape, estimate);
  const peak = peakOf(expected, provider) + (provider === "cpu" ? programBytes : 0);
  const isBindable = provider !== "webgpu" || expected.largest <= largestOnWebgpu;
  const fits = isBindable && (available === undefined || peak <= available.bytes);
  return { ...shape, ...expected, peak, fits };
}

const largestOf = ({ sizes }: MemoryQuestion) =>
  sizes.reduce((a, b) => b.height * b.width > a.height * a.width ? b : a);

/** What one step takes under a plan, at the largest size. */
export function trainingRow(question: MemoryQuestion, plan: MemoryPlan): MemoryRow {
  const { networks, batch, compute, provider, wideSums } = question;
  const size = { batch, ...largestOf(question) };
  return row(question, { work: "training", plan, ...size, tiled: false }, () => {
    const { step, loss } = measureTrainingGraphs(networks, { size, plan, provider, compute });
    const alone = estimateMemory(step, provider, { wideSums });
    const copies = provider === "cpu" ? copiesOf(networks) : 0;
    const both = alone.overhead + overheadOf(lowered(loss, provider, { wideSums }));
    return { ...alone, overhead: both + copies };
  });
}

/** The VAE on a whole picture, or on tiles where that does not fit. */
function vaeRow(question: MemoryQuestion, work: VaeWork): MemoryRow {
  const { networks, compute, provider, wideSums } = question;
  const { input } = tilingOf(work, networks.configs.vae);
  const of = (height: number, width: number, tiled: boolean) => {
    const size = { batch: 1, height: height * input, width: width * input };
    const graph = work === "encode" ? graphs.encodeGraph : graphs.decodeGraph;
    return row(
      question,
      { work, batch: 1, height, width, tiled },
      () => estimateMemory(graph(networks, size, compute), provider, { optimised: true, wideSums }),
    );
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
export function forwardRows(question: MemoryQuestion): readonly MemoryRow[] {
  const { networks, batch, compute, provider, wideSums } = question;
  const size = largestOf(question);
  return [
    row(
      question,
      { work: "text", batch, ...size, tiled: false },
      () => estimateMemory(graphs.textGraph(networks, batch, compute), provider, { wideSums }),
    ),
    row(
      question,
      { work: "prediction", batch: 2, ...size, tiled: false },
      () =>
        estimateMemory(
          graphs.predictionGraph(networks, { batch: 2, ...size }, compute),
          provider,
          { wideSums },
        ),
    ),
  ];
}
