// The numbers by which ONNX names element types (TensorProto.DataType).
import type { DType } from "./graph.ts";

export const elementCode: Readonly<Record<DType, number>> = {
  float32: 1,
  float16: 10,
  bfloat16: 16,
  int64: 7,
  bool: 9,
};
