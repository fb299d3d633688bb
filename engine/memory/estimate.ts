// What running a graph takes, from its shapes alone. On the CPU all of it is the process's resident
// memory, weights counted as the mapped pages of their file; on a GPU the overhead stays with the host.
// Measured against onnxruntime-node 1.30: within 6 % of the peak (see tests/bench).
import { lowered } from "../device/lower.ts";
import { type Provider, providerKind } from "../device/providers.ts";
import { sizeInBytes } from "../graph/builder.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { constantsOf } from "../graph/constants.ts";
import { runOrder } from "../graph/run-order.ts";
import { arenaBytes } from "./arena.ts";
import { planBuffers } from "./buffers.ts";
import { type WorkCost, workCost } from "./step-time.ts";

/** All in bytes. */
export interface Estimate {
  readonly weights: number;
  /** Kept activations, gradients and what operators need while they run. */
  readonly activations: number;
  /** What ONNX Runtime and the graph's builder keep of the graph itself, in the host's memory. */
  readonly overhead: number;
  /** The largest single activation that a convolution reads or writes. */
  readonly largest: number;
  /** What one run computes and moves; of a training the step alone. */
  readonly cost: WorkCost;
}

/** Measured: what a loaded node costs, its share of the builder's garbage included. */
const bytesPerNode = 9600;

/** Bytes of a card that are taken before any tensor, once a device. */
export const contextOf = (provider: Provider): number => providerKind(provider).card?.context ?? 0;

/** What is computed once at load, because it depends on weights alone, where a provider prepares graphs. */
export function folded(
  graph: Graph,
): { nodes: readonly Node[]; constants: readonly Value[] } {
  const constants = constantsOf(graph);
  const nodes = graph.nodes.filter(({ outputs: [first] }) => !constants.has(first.name));
  const used = new Set(nodes.flatMap(({ inputs }) => inputs.map((value) => value?.name)));
  return { nodes, constants: [...constants.values()].filter(({ name }) => used.has(name)) };
}

const isConvolution = ({ op }: Node) => op === "Conv" || op === "ConvTranspose";

/** Bytes; of a graph that is loaded. */
export const overheadOf = ({ nodes }: Pick<Graph, "nodes">): number => nodes.length * bytesPerNode;

/**
 * `optimised`: the CPU too prepares the graph, and its weights, for speed (session-options.ts). `wideSums`:
 * of a device that computes products in float32 (wide-sums.ts).
 */
export function estimateMemory(
  asBuilt: Graph,
  provider: Provider,
  { optimised = false, wideSums = false } = {},
): Estimate {
  const graph = lowered(asBuilt, provider, { optimised, wideSums });
  const { card } = providerKind(provider);
  const onCpu = card === undefined;
  const { nodes, constants } = onCpu && !optimised
    ? { nodes: graph.nodes, constants: graph.frozen.map(({ value }) => value) }
    : folded(graph);
  const weight = card?.weight ?? ((bytes: number) => bytes);
  const order = runOrder({ nodes });
  const activations = arenaBytes(
    planBuffers({ nodes, outputs: graph.outputs }, order, onCpu),
    onCpu ? 2 : 1,
  );
  return {
    weights: constants.reduce((sum, value) => sum + weight(sizeInBytes(value)), 0),
    activations: card?.activations(activations) ?? activations,
    overhead: overheadOf(graph),
    largest: Math.max(
      0,
      ...nodes.filter(isConvolution).flatMap(({ inputs: [x], outputs: [y] }) => [
        sizeInBytes(x!),
        sizeInBytes(y),
      ]),
    ),
    cost: workCost(nodes),
  };
}

/** Bytes that the device has to hold: all of it on the CPU, what lives on the card elsewhere. */
export const peakOf = ({ weights, activations, overhead }: Estimate, provider: Provider): number =>
  weights + activations + (provider === "cpu" ? overhead : contextOf(provider));
