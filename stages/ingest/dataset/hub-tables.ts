// Parquet tables that hold pictures and captions, as most datasets of the hub come.
// The trap: a picture's bytes lie among those of its whole row group, so neighbours are read together
// and one group at a time is kept; reading rows in order costs each group once.
import { join } from "node:path";
import type { ResolvedDataset } from "../../../hub/dataset.ts";
import { byName } from "../natural-order.ts";
import {
  DatasetFault,
  type HubDatasetOptions,
  type Listing,
  namesNoPicture,
  refused,
  type Source,
} from "./listing.ts";
import { textOf } from "./text-file.ts";
import { openParquet, type ParquetFile } from "./parquet/parquet-file.ts";

/** Each is an object of its own; nobody trains one embedding on more. */
const mostPictures = 1_000_000;

/** A picture's id is `table.parquet#row`, rows counted from 0 as the datasets library does. */
export async function listTables(
  { path, tables }: ResolvedDataset,
  { image_column, caption_column }: HubDatasetOptions,
): Promise<Listing> {
  const sources: Source[] = [];
  const faults: DatasetFault[] = [];
  const readGroup = keepingLast();
  for (const name of [...tables].sort(byName)) {
    const table = await openParquet(join(path, name));
    const pictures = [`${image_column}.bytes`, image_column]
      .find((column) => table.columns.includes(column));
    if (pictures === undefined || !table.columns.includes(caption_column)) {
      faults.push(
        new DatasetFault({
          file: table.file,
          wanted: `the columns ${image_column} and ${caption_column}`,
          found: table.columns.join(", "),
          fix: "Set image_column and caption_column to the dataset's own names.",
        }),
      );
      continue;
    }
    const rows = sources.length + table.groups.reduce((sum, rows) => sum + rows, 0);
    if (rows > mostPictures) {
      faults.push(
        new DatasetFault({
          file: table.file,
          wanted: `at most ${mostPictures} pictures in a dataset`,
          found: `${rows}`,
          fix: "Take fewer: a table with some of the rows.",
        }),
      );
      break;
    }
    let first = 0;
    for (const [group, rows] of table.groups.entries()) {
      const captions = await table.readColumn(group, caption_column);
      captions.forEach((caption, row) => {
        const file = `${table.file}#${first + row}`;
        const text = captionOf(caption, file);
        if (text instanceof DatasetFault) return void faults.push(text);
        sources.push({
          name: `${name}#${first + row}`,
          file,
          caption: text,
          mask: null,
          read: async () => (await readGroup(table, group, pictures))[row] ?? missing(file),
        });
      });
      first += rows;
    }
  }
  if (faults.length > 0) return refused(...faults);
  if (sources.length === 0) return refused(namesNoPicture(tables.join(", ")));
  return { sources, files: tables.map((name) => join(path, name)), warnings: [], faults: [] };
}

function captionOf(bytes: Uint8Array | null, file: string): string | null | DatasetFault {
  try {
    return bytes === null ? null : textOf(bytes, { file });
  } catch (cause) {
    if (cause instanceof DatasetFault) return cause;
    throw cause;
  }
}

function missing(file: string): never {
  throw new DatasetFault({
    file,
    wanted: "the bytes of a picture",
    found: "nothing in this row",
    fix: "Take the row out of the dataset, or choose another image_column.",
  });
}

function keepingLast() {
  let last: { readonly key: string; readonly values: ReturnType<ParquetFile["readColumn"]> } = {
    key: "",
    values: Promise.resolve([]),
  };
  return (table: ParquetFile, group: number, column: string) => {
    const key = `${table.file} ${group}`;
    if (last.key !== key) last = { key, values: table.readColumn(group, column) };
    return last.values;
  };
}
