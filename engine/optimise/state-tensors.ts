// An optimizer's state as named float64 arrays and back, for the file that resume reads; equal to the
// bit. Names are `rows.0`, `expAvg.1` and so on by encoder; a scalar is an array of one value. The trap:
// every name is checked on the way back, as a state of another optimizer has half of them too.
import { fault } from "../../lib/fault.ts";
import { optimizerKind, type OptimizerName, type OptimizerState } from "./optimizer.ts";
import type { Rows } from "./rows.ts";

export class OptimizerStateFault extends fault("OptimizerStateFault", "user") {}

/** The arrays are the state's own, not copies. */
export function stateToTensors(state: OptimizerState): Map<string, Float64Array> {
  const { arrays, scalars } = optimizerKind(state.optimizer_type);
  const values = state as unknown as Readonly<Record<string, Rows & number>>;
  return new Map([
    ...arrays.flatMap((key) =>
      values[key].map((array, encoder) => [`${key}.${encoder}`, array] as const)
    ),
    ...scalars.map((key) => [key, Float64Array.of(values[key])] as const),
  ]);
}

/** Throws OptimizerStateFault where a tensor is missing or of another size than its rows. */
export function stateFromTensors(
  optimizer: OptimizerName,
  tensors: ReadonlyMap<string, Float64Array>,
): OptimizerState {
  const { arrays, scalars } = optimizerKind(optimizer);
  const get = (name: string, length?: number): Float64Array => {
    const values = tensors.get(name);
    if (values !== undefined && (length === undefined || values.length === length)) return values;
    throw new OptimizerStateFault({
      tensor: name,
      wanted: length === undefined ? `this part of a state of ${optimizer}` : `${length} values`,
      found: values === undefined ? [...tensors.keys()].join(", ") : `${values.length}`,
      fix: "Resume with the optimizer that the run was started with, or start a new run",
    });
  };
  const sizes = [get("rows.0").length];
  for (let next; (next = tensors.get(`rows.${sizes.length}`)) !== undefined;) {
    sizes.push(next.length);
  }
  return Object.fromEntries([
    ["optimizer_type", optimizer],
    ...arrays.map((key) => [key, sizes.map((size, encoder) => get(`${key}.${encoder}`, size))]),
    ...scalars.map((key) => [key, get(key, 1)[0]]),
  ]) as OptimizerState;
}
