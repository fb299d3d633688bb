// The networks of a model that nobody has yet: its configs, and weights that have shapes but no bytes.
// Enough to build graphs and to know what they take. The trap: such a graph cannot be loaded.
import { type DType, sizeOf } from "../graph/graph.ts";
import type { ModelConfigs } from "../networks/config.ts";
import { storedBytes } from "../../lib/safetensors/dtype.ts";
import type { Networks } from "../networks/graphs.ts";
import { type RequiredTensors, requiredTensors } from "../weights/required-tensors.ts";
import type { WeightTable } from "../../lib/safetensors/weight-view.ts";

const storedAs = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

/**
 * `stored`: the type that the checkpoint's weights have. `file`: one whose first bytes serve every tensor, for
 * graphs that shall run and compute nothing of sense.
 */
export function networksOf(
  configs: ModelConfigs,
  stored: Extract<DType, keyof typeof storedAs>,
  file = "/",
): Networks {
  const dtype = storedAs[stored];
  const table = (tensors: RequiredTensors): WeightTable =>
    new Map([...tensors].map(([name, shape]) => {
      const bytes = sizeOf(shape) * storedBytes[dtype];
      return [name, { name, dtype, shape, file, offset: 0, bytes }];
    }));
  const required = requiredTensors(configs);
  return {
    configs,
    weights: {
      textEncoder: table(required.textEncoder),
      textEncoder2: table(required.textEncoder2),
      unet: table(required.unet),
      vae: table(required.vae),
    },
  };
}
