// The reference's pull of the rows towards the vocabulary: after a step each encoder's rows are scaled so
// that their spread moves a tenth of the way (in logarithms) to that of the whole vocabulary. The trap:
// spread is the sample standard deviation over all values of an encoder's rows, not row by row.
import { pow } from "../random/exact-math.ts";

const STRENGTH = 0.1;

type Values = Float32Array | Float64Array;

/** `sum` and all values, one after the other: another order has another last bit. */
function added(sum: number, values: Values): number {
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

/** `sum` and the squares of all values' distances from `mean`. */
function squaresAdded(sum: number, values: Values, mean: number): number {
  for (let i = 0; i < values.length; i++) sum += (values[i] - mean) * (values[i] - mean);
  return sum;
}

/** The sample standard deviation (n - 1) of all values, in two passes. */
export function standardDeviation(values: Values): number {
  const mean = added(0, values) / values.length;
  return Math.sqrt(squaresAdded(0, values, mean) / (values.length - 1));
}

/** The same of values that come in blocks, twice in the same order; to the last bit. */
export async function deviationOfBlocks(
  blocks: () => AsyncIterable<{ readonly values: Float32Array }>,
): Promise<number> {
  let [sum, squares, count] = [0, 0, 0];
  for await (const { values } of blocks()) {
    sum = added(sum, values);
    count += values.length;
  }
  for await (const { values } of blocks()) squares = squaresAdded(squares, values, sum / count);
  return Math.sqrt(squares / (count - 1));
}

/** (vocabularyStd / std(rows))^0.1, by which the rows are multiplied; 1 where they have no spread. */
export function pullFactor(rows: Float64Array, vocabularyStd: number): number {
  const std = standardDeviation(rows);
  return std > 0 ? pow(vocabularyStd / std, STRENGTH) : 1;
}
