// Which buffers a graph's values take on the CPU, as ONNX Runtime plans them: a reshape shares its
// input's, a few operators overwrite an input that nobody else wants, and a value takes over a dead
// buffer of its own shape. The trap: a buffer taken over lives on in between, so what is dead is not
// always free.
import { sizeInBytes } from "../graph/builder.ts";
import { type Graph, type Node, sameShape, type Value } from "../graph/graph.ts";

export interface Buffer {
  readonly bytes: number;
  /** Positions in the run order: the node that allocates it, the last node that uses it. */
  readonly from: number;
  readonly to: number;
}

/** Operators whose CPU kernels overwrite their input where they may (measured: no others do). */
const overwriting: ReadonlySet<string> = new Set(["HardSigmoid", "Sigmoid", "Softmax"]);

interface Planned {
  readonly value: Value;
  readonly bytes: number;
  readonly from: number;
  to: number;
  /** Uses that are still to come, of all the values that share it. */
  uses: number;
}

const sameSize = (a: Value, b: Value) => a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** What an operator allocates for itself while it runs. */
function scratchBytes({ op, inputs }: Node): number {
  if (op !== "ConvTranspose") return 0;
  const [, , height, width] = inputs[0]!.shape;
  const [, out, ...kernel] = inputs[1]!.shape;
  return sizeInBytes({ ...inputs[0]!, shape: [out, ...kernel, height, width] });
}

/** The buffers of one run, in the order of allocation. Graph inputs and weights are not among them. */
export function planBuffers(
  { outputs, nodes }: Pick<Graph, "outputs" | "nodes">,
  order: readonly Node[] = nodes,
): readonly Buffer[] {
  const uses = new Map<string, number>();
  for (const { inputs } of order) {
    for (const value of inputs) {
      if (value !== null) uses.set(value.name, (uses.get(value.name) ?? 0) + 1);
    }
  }
  const results = new Set(outputs.map(({ name }) => name));
  const held = new Map<string, Planned>();
  const planned: Planned[] = [];
  const dead: Planned[] = [];

  const overwritten = ({ op, inputs, outputs }: Node): Planned | undefined => {
    const buffer = overwriting.has(op) ? held.get(inputs[0]!.name) : undefined;
    return buffer?.uses === 1 && sameSize(inputs[0]!, outputs[0]) ? buffer : undefined;
  };
  const takenOver = (value: Value): Planned | undefined => {
    const at = value.shape.length === 0
      ? -1
      : dead.findLastIndex((buffer) => sameSize(buffer.value, value));
    return at === -1 ? undefined : dead.splice(at, 1)[0];
  };
  order.forEach((node, at) => {
    node.outputs.forEach((value, i) => {
      const isResult = results.has(value.name);
      const shared = node.op === "Reshape"
        ? held.get(node.inputs[0]!.name)
        : isResult
        ? undefined
        : (i === 0 ? overwritten(node) : undefined) ?? takenOver(value);
      if (node.op === "Reshape" && shared === undefined) return;
      const buffer = shared ?? { value, bytes: sizeInBytes(value), from: at, to: at, uses: 0 };
      if (shared === undefined) planned.push(buffer);
      // A result outlives the run.
      buffer.uses += (uses.get(value.name) ?? 0) + (isResult ? 1 : 0);
      if (buffer.uses === 0) dead.push(buffer);
      buffer.to = isResult ? order.length - 1 : Math.max(buffer.to, at);
      held.set(value.name, buffer);
    });
    const scratch = scratchBytes(node);
    if (scratch > 0) {
      planned.push({ value: node.outputs[0], bytes: scratch, from: at, to: at, uses: 0 });
    }
    for (const value of node.inputs) {
      const buffer = value === null ? undefined : held.get(value.name);
      if (buffer === undefined) continue;
      buffer.to = Math.max(buffer.to, at);
      buffer.uses--;
      if (buffer.uses === 0) dead.push(buffer);
    }
  });
  return planned.map(({ bytes, from, to }) => ({ bytes, from, to }));
}
