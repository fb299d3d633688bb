// A folder of pictures with metadata.jsonl or metadata.csv, as the datasets library calls an image
// folder. The trap: metadata names pictures in `file_name`, counted from the metadata file's own
// folder; the column "image" exists only in the library's memory.
import { join, posix } from "node:path";
import { duplicateKey } from "../../../lib/duplicate-key.ts";
import type { ResolvedDataset } from "../../../hub/dataset.ts";
import { isMapping, type Mapping } from "../../../lib/mapping.ts";
import { byName } from "../natural-order.ts";
import { parseCsv } from "./csv.ts";
import { jsonArrayFault, onceEach } from "./jsonl.ts";
import {
  DatasetFault,
  type HubDatasetOptions,
  type Listing,
  namesNoPicture,
  pictureFile,
  refused,
  type Source,
} from "./listing.ts";
import { byLook, meantBy } from "./same-name.ts";
import { linesOf, mostListBytes, readText } from "./text-file.ts";

interface Row {
  readonly line: number;
  readonly columns: Mapping;
  /** A column that it has more than once. */
  readonly twice?: string | undefined;
}

export async function listImageFolder(
  { path, metadata, pictures }: ResolvedDataset,
  { image_column, caption_column }: HubDatasetOptions,
): Promise<Listing> {
  const nameColumn = image_column === "image" ? "file_name" : `${image_column}_file_name`;
  const known = byLook(pictures);
  const sources = new Map<string, Source>();
  const faults: DatasetFault[] = [];
  for (const about of metadata) {
    const file = join(path, about);
    const rows = await rowsOf(file);
    if (!Array.isArray(rows)) {
      faults.push(...rows.faults);
      continue;
    }
    if (rows.length === 0) faults.push(namesNoPicture(file));
    for (const { line, columns, twice } of rows) {
      const refuse = (wanted: string, found: string, fix: string) =>
        faults.push(new DatasetFault({ file, line, wanted, found, fix }));
      if (twice !== undefined) refuse(onceEach, `${twice} again`, "Remove one of them.");
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
      const wanted = posix.join(posix.dirname(about), columns[nameColumn] as string);
      const name = meantBy(wanted, known);
      if (name === undefined) {
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

/** The rows of a metadata file, or what is wrong with it. */
async function rowsOf(file: string): Promise<Row[] | { readonly faults: readonly DatasetFault[] }> {
  try {
    const text = await readText(file, mostListBytes);
    return file.endsWith(".csv") ? csvRows(text, file) : jsonRows(text, file);
  } catch (cause) {
    if (cause instanceof DatasetFault) return { faults: [cause] };
    throw cause;
  }
}

function csvRows(text: string, file: string) {
  const refuse = (line: number, wanted: string, found: string, fix: string) =>
    new DatasetFault({ file, line, wanted, found, fix });
  if (/\r(?!\n)/.test(text) && !text.includes("\n")) {
    const found = "one that names no picture: its lines end with a carriage return alone";
    const fix = "Save it with the line ends of Unix or Windows.";
    return { faults: [refuse(1, "a table of pictures", found, fix)] };
  }
  const { rows: [heading, ...rows], findings } = parseCsv(text);
  const faults = findings.map(({ line, found }) =>
    refuse(
      line,
      "fields without quotes, or wholly in quotes with each inner quote doubled",
      found,
      'Write it as "a ""big"" gnome".',
    )
  );
  const names = heading?.fields ?? [];
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) {
    const fix = "Rename or remove one of them.";
    faults.push(refuse(heading.line, onceEach, `${twice[0]} again`, fix));
  }
  if (names.length === 1 && /[;\t]/.test(names[0])) {
    const found = names[0].includes(";") ? "a heading with semicolons" : "a heading with tabs";
    faults.push(refuse(heading.line, "columns between commas", found, "Save it with commas."));
    return { faults };
  }
  for (const { line, fields } of rows) {
    if (fields.length <= names.length) continue;
    const found = `${fields.length} fields, the last ${JSON.stringify(fields.at(-1))}`;
    const fix = "Put a caption with commas in quotes.";
    faults.push(refuse(line, `at most ${names.length} fields, as in the heading`, found, fix));
  }
  if (faults.length > 0) return { faults };
  return rows.map(({ line, fields }) => ({
    line,
    columns: Object.fromEntries(names.map((name, i) => [name, fields[i]])),
  }));
}

function jsonRows(text: string, file: string) {
  const array = jsonArrayFault(text, file);
  if (array !== null) return { faults: [array] };
  return linesOf(text, file).flatMap((content, i) =>
    content.trim() === "" ? [] : [{ line: i + 1, ...jsonObject(content) }]
  );
}

/** `{}` for what is no JSON object. */
function jsonObject(text: string): Pick<Row, "columns" | "twice"> {
  try {
    const value = JSON.parse(text);
    return isMapping(value) ? { columns: value, twice: duplicateKey(text) } : { columns: {} };
  } catch {
    return { columns: {} };
  }
}
