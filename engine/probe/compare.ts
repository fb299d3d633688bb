// How close computed tensors are to reference ones: the norm of the difference over the norm of the
// reference. The trap: NaN must never pass, so verdicts ask whether an error is within the tolerance, not
// whether it is above.
import { fault } from "../../lib/fault.ts";
import type { Tensor } from "../device/messages.ts";
import type { StoredTensor } from "../../lib/safetensors/safetensors.ts";

export class ReferenceFault extends fault("ReferenceFault", "user") {}

/** |a - b| / |b|, Euclidean norms; 0 where both vanish. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

export interface Comparison {
  readonly name: string;
  readonly shape: readonly number[];
  /** undefined where there was nothing to compare. */
  readonly error?: number;
  readonly tolerance: number;
  /** "other shape" fails too; "no reference" and "not computed" are only told. */
  readonly outcome: "ok" | "above" | "other shape" | "no reference" | "not computed";
}

/** Default tolerances: the CPU's are what the golden cases hold, a card's leave room for its kernels. */
export const defaultTolerance = (provider: string) => (name: string): number =>
  provider !== "cpu" ? 1e-3 : name.startsWith("grad") ? 2e-5 : 1e-5;

/** One line for each tensor of either side. Throws ReferenceFault if they have none in common. */
export function compareOutputs(
  outputs: ReadonlyMap<string, Tensor>,
  reference: ReadonlyMap<string, StoredTensor>,
  toleranceOf: (name: string) => number,
  file: string,
): readonly Comparison[] {
  if (![...reference.keys()].some((name) => outputs.has(name))) {
    throw new ReferenceFault({
      file,
      wanted: `some of ${[...outputs.keys()].join(", ")}`,
      found: [...reference.keys()].join(", ") || "no tensor",
      fix: "Compare with an `--out` file of another device, or with an expected.safetensors.",
    });
  }
  const names = new Set([...outputs.keys(), ...reference.keys()]);
  return [...names].map((name): Comparison => {
    const [ours, theirs] = [outputs.get(name), reference.get(name)];
    const shape = ours?.dims ?? theirs!.shape;
    const line = { name, shape, tolerance: toleranceOf(name) };
    if (theirs === undefined) return { ...line, outcome: "no reference" };
    if (ours === undefined) return { ...line, outcome: "not computed" };
    if (theirs.shape.join() !== shape.join()) return { ...line, outcome: "other shape" };
    const error = relativeError(ours.data, Float64Array.from(theirs.data as never, Number));
    return { ...line, error, outcome: error <= line.tolerance ? "ok" : "above" };
  });
}

export const agrees = (lines: readonly Comparison[]): boolean =>
  lines.every(({ outcome }) => outcome !== "above" && outcome !== "other shape");
