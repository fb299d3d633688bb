// The two graphs that a training's session holds: a step under a memory plan, and the loss alone. The
// planner builds them to see what they take; building takes a third of a second, so whoever compiles the
// same ones next takes them over. The trap: they are large; what nobody takes goes with its networks.
import type { Provider } from "../device/providers.ts";
import type { DType, Graph } from "../graph/graph.ts";
import { lossGraph, type Networks, type Size, trainGraph } from "../networks/graphs.ts";
import { attentionBytesOf, keepOf, type MemoryPlan } from "./memory-plan.ts";

export interface TrainingGraphs {
  readonly step: Graph;
  readonly loss: Graph;
}

export interface TrainingSetting {
  readonly size: Size;
  readonly plan: MemoryPlan;
  readonly provider: Provider;
  readonly compute: DType;
}

interface Left {
  readonly key: string;
  readonly graphs: TrainingGraphs;
}

const left = new WeakMap<Networks, Left>();

const keyOf = ({ size, plan, provider, compute }: TrainingSetting): string =>
  JSON.stringify([size.batch, size.height, size.width, plan, provider, compute]);

function build(networks: Networks, setting: TrainingSetting): TrainingGraphs {
  const { size, plan, provider, compute } = setting;
  const attentionBytes = attentionBytesOf(plan, provider);
  return {
    step: trainGraph(networks, size, { keep: keepOf(plan), attentionBytes, compute }),
    loss: lossGraph(networks, size, compute),
  };
}

/** Builds them, and leaves them for `takeTrainingGraphs`. */
export function measureTrainingGraphs(
  networks: Networks,
  setting: TrainingSetting,
): TrainingGraphs {
  const graphs = build(networks, setting);
  left.set(networks, { key: keyOf(setting), graphs });
  return graphs;
}

/** Those that were looked at last, if they are these; they are kept no longer. */
export function takeTrainingGraphs(networks: Networks, setting: TrainingSetting): TrainingGraphs {
  const found = left.get(networks);
  left.delete(networks);
  return found?.key === keyOf(setting) ? found.graphs : build(networks, setting);
}
