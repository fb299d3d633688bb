// An ONNX graph as an immutable value. Building, differentiating, pruning and serialising are passes
// over it. The trap: nodes are listed in an order that computes, but ONNX Runtime runs them in its own
// (reverse depth-first) order; only data dependencies hold.
import { fault } from "../../lib/fault.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";

/** A graph is built wrongly: shapes that do not fit, an operator without a rule. */
export class GraphError extends fault("GraphError", "defect") {}

export type DType = "float32" | "float16" | "bfloat16" | "int64" | "bool";
export type Shape = readonly number[];

/** The numbers by which ONNX names element types (TensorProto.DataType). */
export const elementCode: Readonly<Record<DType, number>> = {
  float32: 1,
  float16: 10,
  bfloat16: 16,
  int64: 7,
  bool: 9,
};

/** A tensor that flows: its shape is always known, graphs have no free dimensions. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export type Attribute =
  | number
  | string
  | { readonly float: number }
  | readonly number[]
  | Branch;

/** A graph inside a node, which also sees the values around it. */
export type Branch = Pick<Graph, "nodes" | "outputs">;

export interface Node {
  readonly op: string;
  /** "" is ONNX itself, "com.microsoft" ONNX Runtime's own operators. */
  readonly domain: string;
  readonly name: string;
  /** null stands for an optional input that is left out. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** The graphs inside a node. */
export const branchesOf = ({ attributes }: Pick<Node, "attributes">): readonly Branch[] =>
  Object.values(attributes).flatMap((attribute) =>
    typeof attribute === "object" && "nodes" in attribute ? [attribute] : []
  );

/**
 * A frozen tensor: bytes of a .safetensors file, a small array held in the graph itself, or one number
 * everywhere, of any size.
 */
export type Initializer =
  | { readonly value: Value; readonly view: WeightView }
  | { readonly value: Value; readonly data: Float32Array | BigInt64Array }
  | { readonly value: Value; readonly fill: number };

export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly frozen: readonly Initializer[];
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, d) => product * d, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
