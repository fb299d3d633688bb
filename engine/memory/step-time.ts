// How long a device computes at a graph: its products at the device's arithmetic, everything else at the
// speed of its memory, and a cost for each node.
// The trap: that is an order of magnitude. What overlaps, and what a cache saves, is in no sum.
import type { Graph } from "../graph/graph.ts";
import { costsBy } from "./graph-cost.ts";

/** What a graph costs wherever it runs. */
export interface WorkCost {
  /** Floating-point operations of products and convolutions. */
  readonly flops: number;
  /** Bytes that all other nodes read and write. */
  readonly moved: number;
  readonly nodes: number;
}

/** How fast a device is. */
export interface DeviceRate {
  /** Floating-point operations a second, of products. */
  readonly flops: number;
  /** Seconds for a byte that anything else reads or writes. */
  readonly perByte: number;
  /** Seconds that each node costs whatever it computes. */
  readonly launch: number;
}

export const workCost = (nodes: Graph["nodes"]): WorkCost =>
  costsBy(nodes, ({ op }) => op).reduce(
    (sum, [, { flops, bytes, nodes }]) => ({
      flops: sum.flops + flops,
      moved: sum.moved + (flops > 0 ? 0 : bytes),
      nodes: sum.nodes + nodes,
    }),
    { flops: 0, moved: 0, nodes: 0 },
  );

export const secondsOf = ({ flops, moved, nodes }: WorkCost, rate: DeviceRate): number =>
  flops / rate.flops + moved * rate.perByte + nodes * rate.launch;

interface Timed extends WorkCost {
  readonly seconds: number;
}

/** A device's rate from a product and two graphs, the second with far more to compute on as many nodes. */
export function rateOf(product: Timed, small: Timed, large: Timed): DeviceRate {
  const flops = Math.max(product.flops / product.seconds, large.flops / large.seconds);
  const beside = ({ seconds, flops: done }: Timed) => Math.max(0, seconds - done / flops);
  const [a, b] = [beside(small), beside(large)];
  // a = small.moved * perByte + small.nodes * launch, b likewise.
  const determinant = large.moved * small.nodes - small.moved * large.nodes;
  const perByte = (b * small.nodes - a * large.nodes) / determinant;
  const launch = (large.moved * a - small.moved * b) / determinant;
  return determinant === 0 || launch < 0
    ? { flops, perByte: b / large.moved, launch: 0 }
    : perByte < 0
    ? { flops, perByte: 0, launch: b / large.nodes }
    : { flops, perByte, launch };
}
