// For tests: which operators a card's provider computes itself, at the opsets that graphs are written in (21, and
// 1 of com.microsoft), in float32 and float16. CUDA and DirectML as ONNX Runtime's own docs/OperatorKernels.md of
// 1.30 has them; WebGPU as its registry in webgpu_execution_provider.cc has them, and as steps ran.
// The trap: a kernel registered from opset N on without an end serves operators of exactly N, so a later
// opset may lack what an earlier one had; and `If` runs on the host everywhere, its branches do not.
import { branchesOf, type DType, type Graph, type Node } from "../graph/graph.ts";
import type { Provider } from "./providers.ts";

interface Kernel {
  /** Of the tensors that flow; shapes and axes are int64 everywhere, and on the host. */
  readonly types: readonly DType[];
  /** More outputs than this go to the CPU. */
  readonly outputs?: number;
}

type Kernels = Readonly<Record<string, Kernel>>;

const floats: Kernel = { types: ["float32", "float16"] };
const withBool: Kernel = { types: ["float32", "float16", "bool"] };

const all = (names: string, kernel: Kernel = floats): Kernels =>
  Object.fromEntries(names.split(" ").map((name) => [name, kernel]));

/** What CUDA, WebGPU and DirectML all have. */
const common: Kernels = {
  ...all("Add Sub Mul Div Neg Exp Erf Sqrt Sigmoid HardSigmoid Softmax MatMul Gemm"),
  ...all("Conv ConvTranspose AveragePool Resize ReduceMean ReduceSum"),
  ...all("Concat Expand Reshape Slice Transpose"),
  ...all("Cast Identity", withBool),
  "com.microsoft.QuickGelu": floats,
};

const kernels: Readonly<Record<Exclude<Provider, "cpu">, Kernels>> = {
  cuda: {
    ...common,
    LayerNormalization: floats,
    ...all("Gelu Split"),
    "com.microsoft.FusedMatMul": floats,
    "com.microsoft.MultiHeadAttention": floats,
  },
  webgpu: {
    ...common,
    LayerNormalization: floats,
    Gelu: floats,
  },
  dml: {
    ...common,
    // DmlOperatorLayerNormalization.cpp: supported with one output.
    LayerNormalization: { ...floats, outputs: 1 },
    Split: floats,
    "com.microsoft.Gelu": floats,
    "com.microsoft.FusedMatMul": floats,
    "com.microsoft.MultiHeadAttention": floats,
  },
};

const keyOf = ({ domain, op }: Node) => domain === "" ? op : `${domain}.${op}`;

/** What of a node a provider lacks, e.g. "Gelu of float16"; undefined: nothing. */
function lack(node: Node, table: Kernels): string | undefined {
  const key = keyOf(node);
  const kernel = table[key];
  const types = [...node.inputs, ...node.outputs].flatMap((value) =>
    value === null || value.dtype === "int64" ? [] : [value.dtype]
  );
  if (kernel === undefined) return `${key} of ${types[0]}`;
  const other = types.find((type) => !kernel.types.includes(type));
  if (other !== undefined) return `${key} of ${other}`;
  return node.outputs.length > (kernel.outputs ?? Infinity)
    ? `${key} with ${node.outputs.length} outputs`
    : undefined;
}

/** What of these nodes and their branches a card's provider leaves to the CPU, each kind once. */
export function lacking(
  nodes: Graph["nodes"],
  provider: Exclude<Provider, "cpu">,
): readonly string[] {
  const found = new Set<string>();
  const look = (each: Graph["nodes"]): void => {
    for (const node of each) {
      const what = node.op === "If" ? undefined : lack(node, kernels[provider]);
      if (what !== undefined) found.add(what);
      for (const { nodes } of branchesOf(node)) look(nodes);
    }
  };
  look(nodes);
  return [...found].sort();
}
