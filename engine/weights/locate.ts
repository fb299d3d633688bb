// Matches what a network needs with what a file holds: every tensor must be there, of the right shape and
// a dtype that training can read. Findings are collected, not thrown, so that all of them are told.
// The trap: [C,C] and [C,C,1,1] are the same weight; the view always has the shape that is needed.
import type { ModelFinding } from "./model-fault.ts";
import type { RequiredTensors } from "./required-tensors.ts";
import type { Located, TensorSource } from "./tensor-source.ts";

const readable: ReadonlySet<string> = new Set(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"]);

const withoutOnes = (shape: readonly number[]): string => {
  const last = shape.findLastIndex((side, index) => side !== 1 || index < 1);
  return shape.slice(0, last + 1).join();
};

/** One value, or one for each row of the stored weight. */
function fits(scale: readonly number[], [rows]: readonly number[]): boolean {
  const count = scale.reduce((product, side) => product * side, 1);
  return count === 1 || (count === rows && scale[0] === rows);
}

/** The tensors found by canonical name; what is wrong goes into `findings`. */
export function locate(
  required: RequiredTensors,
  source: TensorSource,
  findings: ModelFinding[],
): Map<string, Located> {
  const found = new Map<string, Located>();
  for (const [name, shape] of required) {
    const tensor = source.find(name);
    if (tensor === undefined) {
      findings.push({ file: source.file, tensor: name, found: "no such tensor" });
      continue;
    }
    const { view } = tensor;
    const stored = view.transposed === true ? [...view.shape].reverse() : view.shape;
    if (withoutOnes(stored) !== withoutOnes(shape)) {
      const what = `shape ${JSON.stringify(stored)} where the configs say ${JSON.stringify(shape)}`;
      findings.push({ file: view.file, tensor: name, found: what });
    } else if (!readable.has(view.dtype)) {
      findings.push({
        file: view.file,
        tensor: name,
        found: `dtype ${view.dtype}, not a float that is read here`,
      });
    } else if (view.dtype.startsWith("F8") && source.scaled && tensor.scale === undefined) {
      const what =
        `dtype ${view.dtype} without a scale that is known here (scale_weight, weight_scale), ` +
        "though the file is one of scaled weights";
      findings.push({ file: view.file, tensor: name, found: what });
    } else if (tensor.scale !== undefined && !fits(tensor.scale.shape, view.shape)) {
      const what = `a scale of shape ${JSON.stringify(tensor.scale.shape)} for ${view.shape}`;
      findings.push({ file: view.file, tensor: name, found: what });
    } else found.set(name, { ...tensor, view: { ...view, shape } });
  }
  return found;
}
