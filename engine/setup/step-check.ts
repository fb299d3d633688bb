// A training step of a small network of SDXL's kind on a device: how long it takes, which is what `auto`
// compares devices by and what a training's time is estimated from, and where its nodes run.
// The trap: a small step is mostly launches on a card. Two sizes tell launches and arithmetic apart.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Loader, Session } from "../device/device.ts";
import { lowered } from "../device/lower.ts";
import type { Feeds, Placed } from "../device/messages.ts";
import { type Provider, providerKind } from "../device/providers.ts";
import { conditionalGraph } from "../graph/conditional-graph.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { type DType, type Graph, sizeOf } from "../graph/graph.ts";
import { reduceSum } from "../graph/tensor-ops.ts";
import { attentionBytesOf } from "../memory/memory-plan.ts";
import { networksOf } from "../memory/networks-of.ts";
import { type DeviceRate, rateOf, workCost } from "../memory/step-time.ts";
import {
  decodeClipTextConfig,
  decodeUNetConfig,
  decodeVaeConfig,
  type ModelConfigs,
} from "../networks/config.ts";
import { lossGraph, type Networks, trainGraph } from "../networks/graphs.ts";
import { normals } from "../random/draw.ts";
import { bundledConfigs } from "../weights/folder-configs.ts";
import { toBytes } from "../../lib/safetensors/convert.ts";

/** How fast a device takes a training step. */
export interface StepRate extends DeviceRate {
  /** Of the larger of the two small networks. */
  readonly seconds: number;
}

export interface StepCheck extends StepRate {
  /** What did not run on the device. */
  readonly elsewhere: readonly Placed[];
}

/** What brings a step's condition to the host and takes results there belongs to any device. */
const copies: ReadonlySet<string> = new Set(["MemcpyToHost", "MemcpyFromHost"]);

const elsewhereOf = (provider: Provider, placed: readonly Placed[]): readonly Placed[] =>
  placed.filter(({ op, provider: where }) =>
    where !== providerKind(provider).profiled && !copies.has(op)
  );

/** SDXL with narrow layers and few of them; heads stay 64 wide. */
async function smallConfigs(): Promise<ModelConfigs> {
  const { configs } = await bundledConfigs();
  const where = "step-check";
  const text = (hidden: number) =>
    decodeClipTextConfig({
      hidden_size: hidden,
      intermediate_size: 4 * hidden,
      num_attention_heads: hidden / 64,
      projection_dim: hidden,
      num_hidden_layers: 2,
      vocab_size: 49408,
    }, where);
  const channels = [64, 128, 256];
  return {
    ...configs,
    textEncoder: text(64),
    textEncoder2: text(128),
    vae: decodeVaeConfig({ norm_num_groups: 32, block_out_channels: [32] }, where),
    unet: decodeUNetConfig({
      _class_name: "UNet2DConditionModel",
      down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
      up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
      block_out_channels: channels,
      attention_head_dim: channels.map((count) => count / 64),
      cross_attention_dim: 64 + 128,
      transformer_layers_per_block: [1, 1, 2],
      layers_per_block: 1,
      use_linear_projection: true,
      addition_embed_type: "text_time",
      addition_time_embed_dim: 32,
      projection_class_embeddings_input_dim: 128 + 6 * 32,
    }, where),
  };
}

function graphOf(networks: Networks, side: number, provider: Provider, compute: DType): Graph {
  const size = { batch: 1, height: side, width: side };
  const attentionBytes = attentionBytesOf("A", provider);
  const step = trainGraph(networks, size, { compute, keep: "all", attentionBytes });
  return conditionalGraph(step, lossGraph(networks, size, compute));
}

/** Both branches' shapes: what a step costs is the first branch's. */
const costOf = (graph: Graph, provider: Provider) => {
  const branches = lowered(graph, provider).nodes.find(({ op }) => op === "If")!.attributes;
  return workCost((branches.then_branch as Pick<Graph, "nodes" | "outputs">).nodes);
};

/** Products of the size that SDXL's are, one after another: the device's arithmetic and little else. */
function productGraph(compute: DType): Graph {
  const g = new GraphBuilder(compute);
  const weight = g.cast(g.input("weight", [1024, 1024]), compute);
  let x = g.cast(g.input("x", [2048, 1024]), compute);
  for (let i = 0; i < 4; i++) x = g.apply("MatMul", [x, weight]);
  return g.finish({ sum: reduceSum(g, x, [0, 1]) });
}

const feedsOf = ({ inputs }: Graph): Feeds =>
  Object.fromEntries(inputs.map(({ name, shape }) => {
    const count = sizeOf(shape);
    const data = name === "choice"
      ? new Float32Array(count).fill(1)
      : Float32Array.from(normals({ seed: 1, purpose: name, step: 0, item: 0 }, count));
    return [name, { type: "float32" as const, dims: shape, data }];
  }));

const sides = [8, 40] as const;
/** Runs are timed until there are so many, or so many seconds are spent. */
const timedRuns = 3;
const patience = 2;

/** The shortest run. The first one compiles kernels; where it takes long all the same, it is the only one. */
async function timed(
  session: Session,
  feeds: Feeds,
  afterFirst = () => Promise.resolve(),
): Promise<number> {
  const once = async () => {
    const start = performance.now();
    await session.run(feeds);
    return (performance.now() - start) / 1000;
  };
  const first = await once();
  await afterFirst();
  if (first > 5 * patience) return first;
  const seconds: number[] = [];
  for (let spent = 0; seconds.length < timedRuns && spent < patience; spent += seconds.at(-1)!) {
    seconds.push(await once());
  }
  return Math.min(...seconds);
}

/** Throws as `Loader.load` does. */
export async function checkStep(device: Loader, compute: DType): Promise<StepCheck> {
  const { provider } = device;
  const folder = await mkdtemp(join(tmpdir(), "gnomic-step-"));
  try {
    const configs = await smallConfigs();
    const shapes = networksOf(configs, "float16");
    const tables = Object.values(shapes.weights);
    const largest = tables.flatMap((table) => [...table.values()])
      .filter(({ name }) => !name.includes("token_embedding"))
      .reduce((most, { bytes }) => Math.max(most, bytes), 0);
    const file = join(folder, "weights");
    const values = normals({ seed: 1, purpose: "weights", step: 0, item: 0 }, largest / 2);
    await writeFile(file, toBytes(Float32Array.from(values, (value) => value * 0.03), "F16"));
    const networks = networksOf(configs, "float16", file);
    const measured = [];
    let elsewhere: readonly Placed[] = [];
    for (const side of sides) {
      const graph = graphOf(networks, side, provider, compute);
      const isFirst = side === sides[0] && provider !== "cpu";
      const session = await device.load(graph, false, isFirst);
      const seconds = await timed(session, feedsOf(graph), async () => {
        if (isFirst && session.placement !== undefined) {
          elsewhere = elsewhereOf(provider, await session.placement());
        }
      });
      await session.release();
      measured.push({ seconds, ...costOf(graph, provider) });
      // A graphics card in software: the larger step would take minutes.
      if (seconds > patience) break;
    }
    const [small, large = small] = measured;
    if (large === small) {
      return { ...rateOf(small, small, small), seconds: small.seconds, elsewhere };
    }
    const products = productGraph(compute);
    const session = await device.load(products);
    const seconds = await timed(session, feedsOf(products));
    await session.release();
    const product = { seconds, ...workCost(products.nodes) };
    return { ...rateOf(product, small, large), seconds: large.seconds, elsewhere };
  } finally {
    await rm(folder, { recursive: true });
  }
}
