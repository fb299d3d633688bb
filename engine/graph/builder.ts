// Builds a graph. Names carry the module path (`unet/down_blocks.1/attentions.0/...`), so that a profile
// reads like the model, and are the same for the same model every time. The trap: a builder is the only
// mutable thing here; `finish` drops what no output needs and gives the immutable graph.
import type { WeightView } from "../../lib/safetensors/weight-view.ts";
import {
  type Attribute,
  type DType,
  elementCode,
  type Graph,
  GraphError,
  type Initializer,
  type Node,
  type Shape,
  sizeOf,
  type Value,
} from "./graph.ts";
import { simplified } from "./passes.ts";
import { inferTypes, type OutputType } from "./shapes.ts";

/** A stretch of nodes whose inner values are computed again in the backward pass, not kept. */
export interface Checkpoint {
  readonly first: number;
  readonly end: number;
}

const storedAs: Readonly<Record<string, DType>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
};

export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly checkpoints: Checkpoint[] = [];
  /** The type that activations are computed in. */
  readonly compute: DType;
  readonly #inputs: Value[] = [];
  readonly #frozen = new Map<string, Initializer>();
  readonly #path: string[] = [];
  readonly #used = new Map<string, number>();
  readonly #castFrom = new Map<string, Value>();

  constructor(compute: DType = "float32") {
    this.compute = compute;
  }

  /** Weights and constants so far. */
  get frozen(): readonly Initializer[] {
    return [...this.#frozen.values()];
  }

  /** Runs `build` with `name` appended to the module path. */
  scope<T>(name: string, build: () => T): T {
    this.#path.push(name);
    try {
      return build();
    } finally {
      this.#path.pop();
    }
  }

  input(name: string, shape: Shape, dtype: DType = "float32"): Value {
    const value = { name, dtype, shape };
    this.#inputs.push(value);
    return value;
  }

  /** A frozen weight, cast to the compute type where the file stores another. */
  weight(view: WeightView): Value {
    const dtype = storedAs[view.dtype];
    if (dtype === undefined) {
      throw new GraphError({
        tensor: view.name,
        file: view.file,
        wanted: "a weight stored as F32, F16 or BF16",
        found: view.dtype,
        fix: "Convert it before it reaches a graph.",
      });
    }
    const name = `${this.#path[0] ?? "graph"}:${view.name}:${view.shape.join("x")}`;
    const frozen = this.#frozen.get(name);
    const value = frozen?.value ?? { name, dtype, shape: view.shape };
    if (frozen === undefined) this.#frozen.set(name, { value, view });
    return this.#castHeld(value, this.compute);
  }

  /**
   * The same weight for another use far from the first: a cast copy must not stay in memory from the
   * forward to the backward pass, so it is cast again.
   */
  weightAgain(value: Value): Value {
    return this.#castHeld(this.stored(value), value.dtype);
  }

  /** The weight or constant that `value` is a cast of, or `value`. */
  stored(value: Value): Value {
    return this.#castFrom.get(value.name) ?? value;
  }

  /** A small float array held in the graph, in the compute type unless said otherwise. */
  constant(data: readonly number[], shape: Shape = [], dtype: DType = this.compute): Value {
    const array = Float32Array.from(data);
    if (array.every((element) => element === array[0])) return this.filled(array[0], shape, dtype);
    const name = this.#fresh([...this.#path, "constant"].join("/"));
    const value = { name, dtype: "float32", shape } as const;
    return this.#castHeld(this.#hold({ value, data: array }), dtype);
  }

  /** One number everywhere, a float32, in the compute type unless said otherwise. */
  filled(fill: number, shape: Shape, dtype: DType = this.compute): Value {
    const name = `constant:${fill}:${shape.join("x")}`;
    const value = { name, dtype: "float32", shape } as const;
    return this.#castHeld(this.#hold({ value, fill }), dtype);
  }

  integers(data: readonly number[]): Value {
    const name = `integers:${data.join(",")}`;
    const held = this.#frozen.get(name);
    if (held !== undefined) return held.value;
    const value = { name, dtype: "int64", shape: [data.length] } as const;
    return this.#hold({ value, data: BigInt64Array.from(data, BigInt) });
  }

  cast(value: Value, dtype: DType): Value {
    if (value.dtype === dtype) return value;
    const attributes = { to: elementCode[dtype] };
    return this.apply("Cast", [value], attributes, { declared: [{ dtype, shape: value.shape }] });
  }

  /** Appends a node and gives its first output. */
  apply(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: { domain?: string; declared?: readonly OutputType[] } = {},
  ): Value {
    return this.applyAll(op, inputs, attributes, options)[0];
  }

  /** Appends a node and gives all its outputs. */
  applyAll(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: { domain?: string; declared?: readonly OutputType[] } = {},
  ): readonly Value[] {
    const types = inferTypes(op, inputs, attributes, options.declared);
    const name = this.#fresh([...this.#path, op].join("/"));
    const outputs = types.map((type, i) => ({ ...type, name: i === 0 ? name : `${name}.${i}` }));
    this.nodes.push({ op, domain: options.domain ?? "", name, inputs, outputs, attributes });
    return outputs;
  }

  /** Builds `build` as a stretch that the backward pass computes again (plan B). */
  checkpointed<T>(build: () => T): T {
    const first = this.nodes.length;
    const result = build();
    this.checkpoints.push({ first, end: this.nodes.length });
    return result;
  }

  /** The graph that computes `outputs` (name to value) as float32, and nothing else. */
  finish(outputs: Readonly<Record<string, Value>>): Graph {
    const casts = Object.entries(outputs).map(([name, value]) => outputCast(name, value));
    const named = casts.map((node) => node.outputs[0]);
    const nodes = simplified({ nodes: [...this.nodes, ...casts], outputs: named });
    const used = new Set(nodes.flatMap((node) => node.inputs.map((value) => value?.name)));
    const frozen = this.frozen.filter(({ value }) => used.has(value.name));
    const inputs = this.#inputs.filter(({ name }) => used.has(name));
    return { inputs, outputs: named, nodes, frozen };
  }

  #castHeld(stored: Value, dtype: DType): Value {
    const value = this.cast(stored, dtype);
    if (value !== stored) this.#castFrom.set(value.name, stored);
    return value;
  }

  #hold(frozen: Initializer): Value {
    const held = this.#frozen.get(frozen.value.name);
    if (held !== undefined) return held.value;
    this.#frozen.set(frozen.value.name, frozen);
    return frozen.value;
  }

  #fresh(name: string): string {
    const count = this.#used.get(name) ?? 0;
    this.#used.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }
}

const outputCast = (name: string, value: Value): Node => ({
  op: "Cast",
  domain: "",
  name: `output:${name}`,
  inputs: [value],
  outputs: [{ name, dtype: "float32", shape: value.shape }],
  attributes: { to: elementCode.float32 },
});

export const sizeInBytes = (value: Value): number =>
  sizeOf(value.shape) * { float32: 4, float16: 2, bfloat16: 2, int64: 8, bool: 1 }[value.dtype];
