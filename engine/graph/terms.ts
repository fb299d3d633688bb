// How many products each element of a result is the sum of.
import { type Node, sizeOf, type Value } from "./graph.ts";

const inner = (value: Value, { transA, transBatchA }: Node["attributes"]): number => {
  const { shape } = value;
  if (transA !== 1) return shape[shape.length - 1];
  // Of [rows, matrices, columns] rows stand first.
  return transBatchA === 1 ? shape[0] : shape[shape.length - 2];
};

export const terms: Readonly<Record<string, (node: Node) => number>> = {
  MatMul: ({ inputs: [a] }) => inner(a!, {}),
  Gemm: ({ inputs: [a], attributes }) => inner(a!, attributes),
  FusedMatMul: ({ inputs: [a], attributes }) => inner(a!, attributes),
  Conv: ({ inputs: [, weight] }) => sizeOf(weight!.shape.slice(1)),
  ConvTranspose: ({ inputs: [, weight] }) => weight!.shape[0] * sizeOf(weight!.shape.slice(2)),
};
