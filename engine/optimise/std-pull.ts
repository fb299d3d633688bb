// The reference's pull of the rows towards the vocabulary: after a step each encoder's rows are scaled so
// that their spread moves a tenth of the way (in logarithms) to that of the whole vocabulary. The trap:
// spread is the sample standard deviation over all values of an encoder's rows, not row by row.
import { pow } from "../random/exact-math.ts";

const STRENGTH = 0.1;

/** The sample standard deviation (n - 1) of all values, in two passes. */
export function standardDeviation(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  return Math.sqrt(squares / (values.length - 1));
}

/** The same of values that come in blocks, twice in the same order; to the last bit. */
export async function deviationOfBlocks(
  blocks: () => AsyncIterable<{ readonly values: Float32Array }>,
): Promise<number> {
  let [sum, count] = [0, 0];
  for await (const { values } of blocks()) {
    for (const value of values) sum += value;
    count += values.length;
  }
  const mean = sum / count;
  let squares = 0;
  for await (const { values } of blocks()) {
    for (const value of values) squares += (value - mean) * (value - mean);
  }
  return Math.sqrt(squares / (count - 1));
}

/** rows * (vocabularyStd / std(rows))^0.1; rows without any spread stay as they are. */
export function pullStd(rows: Float64Array, vocabularyStd: number): Float64Array {
  const std = standardDeviation(rows);
  if (!(std > 0)) return rows;
  const factor = pow(vocabularyStd / std, STRENGTH);
  return rows.map((value) => value * factor);
}
