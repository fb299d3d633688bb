// Which buffers a graph's values take on the CPU, as ONNX Runtime plans them: a reshape shares its
// input's, a few operators overwrite an input that nobody else wants, and a value takes over a dead
// buffer of its own shape. The trap: a buffer taken over lives on in between, so what is dead is not
// always free.
import { sizeInBytes } from "../graph/builder.ts";
import { type Graph, type Node, sizeOf, type Value } from "../graph/graph.ts";

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

const sizeKey = ({ dtype, shape }: Value): string => `${dtype} ${shape}`;

/** What an operator allocates for itself while it runs: patches of a picture, turned heads of attention. */
function scratchBytes({ op, inputs, outputs }: Node, onCpu: boolean): readonly number[] {
  const [x, weight] = inputs;
  if (!onCpu && op !== "ConvTranspose") return [];
  switch (op) {
    case "ConvTranspose": {
      const [, , height, width] = x!.shape;
      const [, out, ...kernel] = weight!.shape;
      return [sizeInBytes({ ...x!, shape: [out, ...kernel, height, width] })];
    }
    case "Conv": {
      // Patches are cut out all at once where the picture is small for its channels.
      const [, , ...pixels] = outputs[0].shape;
      const [out, ...patch] = weight!.shape;
      const isCut = patch.slice(1).some((size) => size > 1) && out > sizeOf(pixels);
      return isCut ? [sizeInBytes({ ...x!, shape: [...patch, ...pixels] })] : [];
    }
    case "MultiHeadAttention":
      return inputs.slice(0, 3).map((value) => sizeInBytes(value!));
    default:
      return [];
  }
}

/** The buffers of one run, in the order of allocation. Graph inputs and weights are not among them. */
export function planBuffers(
  { outputs, nodes }: Pick<Graph, "outputs" | "nodes">,
  order: readonly Node[] = nodes,
  onCpu = true,
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
  /** By what may take them over, in the order in which they died. */
  const dead = new Map<string, Planned[]>();
  const die = (buffer: Planned) => {
    const key = sizeKey(buffer.value);
    const others = dead.get(key);
    if (others === undefined) dead.set(key, [buffer]);
    else others.push(buffer);
  };

  const overwritten = ({ op, inputs, outputs }: Node): Planned | undefined => {
    const buffer = overwriting.has(op) ? held.get(inputs[0]!.name) : undefined;
    return buffer?.uses === 1 && sizeKey(inputs[0]!) === sizeKey(outputs[0]) ? buffer : undefined;
  };
  const takenOver = (value: Value): Planned | undefined =>
    value.shape.length === 0 ? undefined : dead.get(sizeKey(value))?.pop();
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
      if (buffer.uses === 0) die(buffer);
      buffer.to = isResult ? order.length - 1 : Math.max(buffer.to, at);
      held.set(value.name, buffer);
    });
    for (const bytes of scratchBytes(node, onCpu)) {
      planned.push({ value: node.outputs[0], bytes, from: at, to: at, uses: 0 });
    }
    for (const value of node.inputs) {
      const buffer = value === null ? undefined : held.get(value.name);
      if (buffer === undefined) continue;
      buffer.to = Math.max(buffer.to, at);
      buffer.uses--;
      if (buffer.uses === 0) die(buffer);
    }
  });
  return planned.map(({ bytes, from, to }) => ({ bytes, from, to }));
}
