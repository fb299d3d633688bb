// A folder of pictures with metadata.jsonl or metadata.csv, as the datasets library calls an image
// folder. The trap: metadata names pictures in `file_name`, counted from the metadata file's own
// folder; the column "image" exists only in the library's memory.
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import type { ResolvedDataset } from "../../../hub/dataset.ts";
import { isMapping, type Mapping } from "../../../runtime/options/mapping.ts";
import { byName } from "../natural-order.ts";
import { parseCsv } from "./csv.ts";
import type { HubDatasetOptions } from "./listing.ts";
import { DatasetFault, type Listing, pictureFile, refused, type Source } from "./listing.ts";

interface Row {
  readonly line: number;
  readonly columns: Mapping;
}

export async function listImageFolder(
  { path, metadata, pictures }: ResolvedDataset,
  { image_column, caption_column }: HubDatasetOptions,
): Promise<Listing> {
  const nameColumn = image_column === "image" ? "file_name" : `${image_column}_file_name`;
  const known = new Set(pictures);
  const sources = new Map<string, Source>();
  const faults: DatasetFault[] = [];
  for (const about of metadata) {
    const file = join(path, about);
    const text = (await readFile(file, "utf8")).replace(/^\ufeff/, "");
    for (const { line, columns } of about.endsWith(".csv") ? csvRows(text) : jsonRows(text)) {
      const refuse = (wanted: string, found: string, fix: string) =>
        faults.push(new DatasetFault({ file, line, wanted, found, fix }));
      const missing = [nameColumn, caption_column].filter((name) =>
        typeof columns[name] !== "string"
      );
      if (missing.length > 0) {
        refuse(
          `texts in the columns ${missing.join(" and ")}`,
          `the columns ${Object.keys(columns).join(", ") || "of no JSON object"}`,
          "Set image_column and caption_column to the dataset's own names.",
        );
        continue;
      }
      const name = posix.join(posix.dirname(about), columns[nameColumn] as string);
      if (!known.has(name)) {
        refuse("a picture of the dataset", `${columns[nameColumn]}`, "Correct the metadata.");
      } else if (sources.has(name)) {
        refuse("each picture once", `${name} again`, "Remove one of the lines.");
      } else {
        const caption = columns[caption_column] as string;
        sources.set(name, { ...pictureFile(join(path, name)), name, caption, mask: null });
      }
    }
  }
  if (faults.length > 0) return refused(...faults);
  const unnamed = pictures.filter((name) => !sources.has(name));
  const sorted = [...sources.values()].sort((a, b) => byName(a.name, b.name));
  return {
    sources: sorted,
    files: sorted.map(({ file }) => file),
    warnings: unnamed.length === 0 ? [] : [
      `${unnamed.length} pictures of the dataset have no line in its metadata and are not used, ` +
      `such as ${unnamed[0]}.`,
    ],
    faults: [],
  };
}

function csvRows(text: string): Row[] {
  const [heading, ...rows] = parseCsv(text);
  return rows.map(({ line, fields }) => ({
    line,
    columns: Object.fromEntries(heading.fields.map((name, i) => [name, fields[i]])),
  }));
}

const jsonRows = (text: string): Row[] =>
  text.split("\n").flatMap((content, i) =>
    content.trim() === "" ? [] : [{ line: i + 1, columns: jsonObject(content) }]
  );

/** `{}` for what is no JSON object. */
function jsonObject(text: string): Mapping {
  try {
    const value = JSON.parse(text);
    return isMapping(value) ? value : {};
  } catch {
    return {};
  }
}
