// What is wrong with an embedding's values, whatever the client: rows that blacken a picture, and rows that
// do nothing. The trap: a file may hold tensors that no client takes (OneTrainer's `clip_l_out`); what is
// in those does not matter.
import { firstFew } from "../../lib/first-few.js";
import { sdxlWidths } from "./clients.ts";
import { type EmbeddingFile, type EmbeddingTensor, isCanonical } from "./embedding-file.ts";

/** At most two lines a tensor. */
export const remarksOnValues = (file: EmbeddingFile): readonly string[] =>
  file.tensors.filter(isUsed(file)).flatMap(remarksOn);

/** Of a file with both encoders' rows, clients take no others. */
const isUsed = (file: EmbeddingFile) => ({ name }: EmbeddingTensor): boolean =>
  !isCanonical(file) || name in sdxlWidths;

function remarksOn({ name, shape, values }: EmbeddingTensor): string[] {
  const width = shape[shape.length - 1];
  const rows = Array.from(
    { length: values.length / width },
    (_, row) => values.subarray(row * width, (row + 1) * width),
  );
  const rowsWhere = (holds: (value: number) => boolean, how: "some" | "every") =>
    rows.flatMap((row, i) => row[how](holds) ? [i] : []);
  const [odd, blank] = [
    rowsWhere((value) => !Number.isFinite(value), "some"),
    rowsWhere((value) => value === 0, "every"),
  ];
  return [
    ...odd.length === 0
      ? []
      : [`${name} ${rowsText(odd)} NaN or infinity in it: pictures with it come out black`],
    ...blank.length === 0
      ? []
      : [`${name} ${rowsText(blank)} nothing but zeros: it was never trained, and says nothing`],
  ];
}

/** "row 1 has", "rows 0, 1, 2, 3 and 7 more have". */
function rowsText(rows: readonly number[]): string {
  if (rows.length === 1) return `row ${rows[0]} has`;
  return `rows ${firstFew(rows.map(String), 4)} have`;
}
