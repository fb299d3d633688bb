// Two graphs in one, of which a run computes one: they share their weights, which two sessions would each
// map (and count as resident twice), or on a card each hold.
// The trap: a name inside a branch must not be one of the values around it.
import {
  type Branch,
  elementCode,
  type Graph,
  type Initializer,
  type Node,
  type Value,
} from "./graph.ts";

/** The input that chooses: 1 computes the first graph, 0 the second. */
const choice: Value = { name: "choice", dtype: "float32", shape: [1] };

const united = <T>(lists: readonly (readonly T[])[], nameOf: (item: T) => string): readonly T[] => [
  ...new Map(lists.flat().map((item) => [nameOf(item), item])).values(),
];

const inner = (value: Value): Value => ({ ...value, name: `chosen:${value.name}` });

const nodeOf = (
  op: string,
  name: string,
  inputs: readonly Value[],
  output: Value,
  attributes: Node["attributes"] = {},
): Node => ({ op, domain: "", name, inputs, outputs: [output], attributes });

/**
 * `first` where the input `choice` is 1, else `second`. What only one of them gives is 0, of shape [1],
 * when the other is computed. Equal names of inputs and frozen tensors stand for equal things.
 */
export function conditionalGraph(first: Graph, second: Graph): Graph {
  const inputs = united([first.inputs, second.inputs], ({ name }) => name);
  const outputs = united([first.outputs, second.outputs], ({ name }) => name);
  const zero: Initializer = { value: { name: "nothing", dtype: "float32", shape: [1] }, fill: 0 };
  const branch = (graph: Graph): Branch => {
    const own = new Map(graph.outputs.map((value) => [value.name, inner(value)]));
    const renamed = graph.nodes.map((node) => ({
      ...node,
      outputs: node.outputs.map((value) => own.get(value.name) ?? value),
    }));
    const missing = outputs.filter(({ name }) => !own.has(name)).map((value) => inner(value));
    const fillers = missing.map(({ name }) =>
      nodeOf("Identity", name, [zero.value], { ...zero.value, name })
    );
    const last = new Map(
      fillers.flatMap((node) => node.outputs.map((value) => [value.name, value])),
    );
    return {
      nodes: [...renamed, ...fillers],
      outputs: outputs.map((value) => own.get(value.name) ?? last.get(inner(value).name)!),
    };
  };
  const condition: Value = { name: "isFirst", dtype: "bool", shape: [1] };
  const test = nodeOf("Cast", "isFirst", [choice], condition, { to: elementCode.bool });
  const branches = { then_branch: branch(first), else_branch: branch(second) };
  const select = { ...nodeOf("If", "either", [condition], outputs[0], branches), outputs };
  return {
    inputs: [...inputs, choice],
    outputs,
    nodes: [test, select],
    frozen: [...united([first.frozen, second.frozen], ({ value }) => value.name), zero],
  };
}
