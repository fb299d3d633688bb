// Writes a graph as an ONNX model (opset 21). Weights stay where they are: their initializers name a
// file, an offset and a length. The trap: ONNX Runtime refuses absolute locations and `..`, so every
// location is relative to one folder that holds all the weight files, and paths must be real ones.
import onnxProto from "onnx-proto";
import { dirname, relative, sep } from "node:path";
import {
  type Attribute,
  type Branch,
  elementCode,
  type Graph,
  type Initializer,
  type Node,
  sizeOf,
  type Value,
} from "./graph.ts";
import { listedForWalk } from "./run-order.ts";

const { onnx } = onnxProto;

export interface SerialisedGraph {
  readonly model: Uint8Array;
  /** The folder that external locations are relative to. */
  readonly folder: string;
}

/** The deepest folder that holds all of `files`. */
export function commonFolder(files: readonly string[]): string {
  const split = files.map((file) => dirname(file).split(sep));
  const first = split[0] ?? [""];
  const depth = first.findIndex((part, i) => split.some((parts) => parts[i] !== part));
  return first.slice(0, depth === -1 ? first.length : depth).join(sep) || sep;
}

/** What the file calls a value. */
type NameOf = (value: Value) => string;

/**
 * Numbers for the values between nodes: most of a file would be their names otherwise. Inputs, outputs and
 * frozen tensors keep theirs, and nodes, which is what profiles and messages show.
 */
function shortNames({ inputs, outputs, frozen }: Graph): NameOf {
  const kept = [...inputs, ...outputs, ...frozen.map(({ value }) => value)];
  const names = new Map(kept.map(({ name }) => [name, name]));
  return ({ name }) => {
    const short = names.get(name) ?? `${names.size}`;
    names.set(name, short);
    return short;
  };
}

const nodeProto = (node: Node, nameOf: NameOf) => ({
  name: node.name,
  opType: node.op,
  domain: node.domain,
  input: node.inputs.map((value) => value === null ? "" : nameOf(value)),
  output: node.outputs.map(nameOf),
  attribute: Object.entries(node.attributes).map(([name, v]) => attributeProto(name, v, nameOf)),
});

const branchProto = (name: string, { nodes, outputs }: Branch, nameOf: NameOf): object => ({
  name,
  node: listedForWalk(nodes).map((node) => nodeProto(node, nameOf)),
  output: outputs.map((value) => valueInfo({ ...value, name: nameOf(value) })),
});

function attributeProto(name: string, value: Attribute, nameOf: NameOf): object {
  if (typeof value === "number") return { name, type: 2, i: value };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("nodes" in value) return { name, type: 5, g: branchProto(name, value, nameOf) };
  return { name, type: 7, ints: [...value] };
}

const valueInfo = ({ name, dtype, shape }: Value) => ({
  name,
  type: {
    tensorType: {
      elemType: elementCode[dtype],
      shape: { dim: shape.map((dimValue) => ({ dimValue })) },
    },
  },
});

function initializer(frozen: Initializer, folder: string) {
  const { name, dtype, shape } = frozen.value;
  const head = { name, dataType: elementCode[dtype], dims: [...shape] };
  if (!("view" in frozen)) {
    const data = "data" in frozen ? frozen.data : new Float32Array(sizeOf(shape)).fill(frozen.fill);
    const { buffer, byteOffset, byteLength } = data;
    return { ...head, rawData: new Uint8Array(buffer, byteOffset, byteLength) };
  }
  const { file, offset, bytes } = frozen.view;
  const location = relative(folder, file).split(sep).join("/");
  const externalData = Object.entries({ location, offset, length: bytes })
    .map(([key, value]) => ({ key, value: `${value}` }));
  return { ...head, dataLocation: 1, externalData };
}

/**
 * Nodes are listed last to first. ONNX Runtime runs nodes in the order in which a depth-first walk comes
 * back from the outputs, and the walk enters a node's inputs by their place in the list, latest first.
 * Listed backwards, what the graph lists first runs first: a weight's cast runs right before its one
 * use, and a gradient's parts are summed as they come, not held until the end (measured: a third less
 * memory). Branches cannot be listed so (`listedForWalk`). The optimisers of other providers renumber
 * nodes; there the gates of autodiff hold the order.
 */
export function serialiseGraph(graph: Graph): SerialisedGraph {
  const files = graph.frozen.flatMap((frozen) => "view" in frozen ? [frozen.view.file] : []);
  const folder = commonFolder(files);
  const nameOf = shortNames(graph);
  const message = {
    irVersion: 10,
    producerName: "gnomic",
    opsetImport: [{ domain: "", version: 21 }, { domain: "com.microsoft", version: 1 }],
    graph: {
      name: "gnomic",
      node: graph.nodes.toReversed().map((node) => nodeProto(node, nameOf)),
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
      initializer: graph.frozen.map((frozen) => initializer(frozen, folder)),
    },
  };
  return { model: onnx.ModelProto.encode(message as object).finish(), folder };
}
