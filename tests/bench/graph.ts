// What the real training graph costs by gradient rule and by operator, from shapes alone: nodes, arithmetic
// and the bytes that nodes read and write, weights included, as a provider gets the graph.
//   deno task bench --graph [--provider cuda] [--plan A] [--dtype float16] [--pixels 1024] [--model DIR]
// The trap: bytes are of operands, whether they come from memory or from a cache that still holds them.
import { lowered } from "../../engine/device/lower.ts";
import type { Provider } from "../../engine/device/providers.ts";
import type { DType } from "../../engine/graph/graph.ts";
import { folded } from "../../engine/memory/estimate.ts";
import { costsBy, type GraphCost, graphCost, ruleOf } from "../../engine/memory/graph-cost.ts";
import { attentionBytesOf, keepOf, type MemoryPlan } from "../../engine/memory/memory-plan.ts";
import { networksOf } from "../../engine/memory/networks-of.ts";
import { trainGraph } from "../../engine/networks/graphs.ts";
import { bundledConfigs } from "../../engine/weights/folder-configs.ts";
import { openModel } from "../../engine/weights/model.ts";
import { table } from "../../cli/table.ts";

export interface GraphSetting {
  readonly provider: Provider;
  readonly plan: MemoryPlan;
  readonly compute: DType;
  readonly pixels: number;
  /** A folder or file; undefined: SDXL base's shapes. */
  readonly model: string | undefined;
}

const gigabytes = ({ bytes }: GraphCost) => (bytes / 1e9).toFixed(1);
const line = (kind: string, cost: GraphCost) => [
  kind,
  `${cost.nodes}`,
  (cost.flops / 1e12).toFixed(2),
  gigabytes(cost),
];

/** The lines of its tables. */
export async function graphTables(setting: GraphSetting): Promise<readonly string[]> {
  const { provider, plan, compute, pixels, model } = setting;
  const networks = model === undefined
    ? networksOf((await bundledConfigs()).configs, "float16")
    : await openModel(model);
  const step = trainGraph(networks, { batch: 1, height: pixels / 8, width: pixels / 8 }, {
    compute,
    keep: keepOf(plan),
    attentionBytes: attentionBytesOf(plan, provider),
  });
  const asGiven = lowered(step, provider);
  const nodes = provider === "cpu" ? asGiven.nodes : folded(asGiven).nodes;
  const all = graphCost(nodes);
  const shown = (head: string, costs: ReturnType<typeof costsBy>) =>
    table(
      [
        [head, "nodes", "TFLOP", "GB"],
        ...costs.filter(([, { nodes }]) => nodes > 0).map(([kind, cost]) => line(kind, cost)),
        line("together", all),
      ],
      new Set([1, 2, 3]),
    );
  return [
    `a training step: ${provider}, plan ${plan}, ${compute}, ${pixels} px, batch 1`,
    "",
    ...shown("by rule", costsBy(nodes, ruleOf)),
    "",
    ...shown("by operator", costsBy(nodes, ({ op }) => op)),
  ];
}
