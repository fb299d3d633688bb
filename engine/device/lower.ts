// Rewrites operators that a provider lacks or computes wrongly into ones that it computes right: one table for
// each provider (lower-webgpu.ts, lower-dml.ts, lower-cpu.ts), walked here.
// The trap: what is rewritten must keep its results' names, so a rewriting gives the values that take them.
import { GraphBuilder } from "../graph/builder.ts";
import { branchesOf, type Graph, type Node, type Value } from "../graph/graph.ts";
import { cpuLowerings, preparedCpuLowerings } from "./lower-cpu.ts";
import { dmlLowerings } from "./lower-dml.ts";
import { webgpuLowerings } from "./lower-webgpu.ts";
import type { Lowering } from "./lowering.ts";
import type { Provider } from "./providers.ts";
import { widerSums } from "./wide-sums.ts";

const lowerings: Partial<Record<Provider, Readonly<Record<string, Lowering>>>> = {
  cpu: cpuLowerings,
  webgpu: webgpuLowerings,
  dml: dmlLowerings,
};

type Nodes = readonly Node[];

/** The node with its branches' nodes changed. */
function inBranches(node: Node, change: (nodes: Nodes) => Nodes): Node {
  if (branchesOf(node).length === 0) return node;
  const attributes = Object.entries(node.attributes).map(([name, value]) =>
    typeof value === "object" && "nodes" in value
      ? [name, { ...value, nodes: change(value.nodes) }]
      : [name, value]
  );
  return { ...node, attributes: Object.fromEntries(attributes) };
}

/**
 * One cast for each weight, outside all branches. The networks cast a weight anew for each use, so that no
 * converted copy is kept; a GPU converts weights once, when it loads them, and then two casts would be
 * two copies.
 */
function oneCastEach(graph: Graph): Graph {
  const frozen = new Set(graph.frozen.map(({ value }) => value.name));
  const casts = new Map<string, Node>();
  const without = (nodes: Nodes): Nodes => {
    const instead = new Map<string, Value>();
    return nodes.flatMap((node) => {
      const [source] = node.inputs;
      if (node.op === "Cast" && frozen.has(source!.name)) {
        const [output] = node.outputs;
        const name = `${source!.name} as ${output.dtype}`;
        const cast = casts.get(name) ?? { ...node, name, outputs: [{ ...output, name }] };
        casts.set(name, cast);
        instead.set(output.name, cast.outputs[0]);
        return [];
      }
      const inputs = node.inputs.map((value) =>
        value === null ? null : instead.get(value.name) ?? value
      );
      return [{ ...inBranches(node, without), inputs }];
    });
  };
  const nodes = without(graph.nodes);
  return { ...graph, nodes: [...casts.values(), ...nodes] };
}

/** How a graph will run. */
export interface Lowered {
  /** On the processor: ONNX Runtime prepares it for speed, with copies of its weights (session-options.ts). */
  readonly optimised?: boolean;
  /** The card's products in float16 add up too coarsely, so those of many terms are computed in float32. */
  readonly wideSums?: boolean;
}

/** The same computation as `provider` does it best. */
export function lowered(
  graph: Graph,
  provider: Provider,
  { optimised = false, wideSums = false }: Lowered = {},
): Graph {
  const onCpu = provider === "cpu";
  // The processor converts weights as it needs them.
  const given = onCpu ? graph : oneCastEach(graph);
  const table = onCpu && optimised ? preparedCpuLowerings : lowerings[provider] ?? {};
  const low = rewritten(given, table);
  return wideSums ? rewritten(low, widerSums(low)) : low;
}

/** Names that anything reads, in branches too. */
function namesRead({ nodes, outputs }: Pick<Graph, "nodes" | "outputs">): ReadonlySet<string> {
  const names = new Set(outputs.map(({ name }) => name));
  for (const node of nodes) {
    for (const value of node.inputs) if (value !== null) names.add(value.name);
    for (const branch of branchesOf(node)) {
      for (const name of namesRead(branch)) names.add(name);
    }
  }
  return names;
}

function rewritten(graph: Graph, table: Readonly<Record<string, Lowering>>): Graph {
  const frozen = new Map(graph.frozen.map((held) => [held.value.name, held]));
  const read = namesRead(graph);
  const isRead = ({ name }: Value) => read.has(name);
  const rewrite = (nodes: Nodes): Nodes => {
    const g = new GraphBuilder();
    for (const node of nodes) {
      const lower = table[node.op];
      if (lower === undefined) {
        g.nodes.push(inBranches(node, rewrite));
        continue;
      }
      const first = g.nodes.length;
      const results = g.scope(node.name, () => lower(g, node, isRead));
      const names = new Map(
        results.flatMap((value, i) =>
          value === undefined ? [] : [[value.name, node.outputs[i]] as const]
        ),
      );
      const named = <V extends Value | null>(value: V) =>
        value === null ? value : names.get(value.name) ?? value;
      const renamed = g.nodes.splice(first).map((made) => ({
        ...made,
        inputs: made.inputs.map(named),
        outputs: made.outputs.map((value) => names.get(value.name) ?? value),
      }));
      g.nodes.push(...renamed);
    }
    for (const held of g.frozen) frozen.set(held.value.name, held);
    return g.nodes;
  };
  const nodes = rewrite(graph.nodes);
  return { ...graph, nodes, frozen: [...frozen.values()] };
}
