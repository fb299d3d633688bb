// IMAGE_CAPTION_JSONL_DATASET: one JSON object a line with a picture's path, a caption, and optionally
// a mask's path in the column `mask`. Paths start at the file's folder. The order is the file's.
// The trap: a path may not lead out of that folder, not even through a symbolic link: a dataset from
// elsewhere must not choose which of this machine's files are read.
import { readFile, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { isMapping } from "../../../runtime/options/mapping.ts";
import { DatasetFault, type Listing, pictureFile, refused, type Source } from "./listing.ts";

export interface JsonlColumns {
  readonly image_column: string;
  readonly caption_column: string;
}

interface Row {
  readonly image: string;
  readonly caption: string;
  readonly mask: string | null;
  readonly line: number;
}

/** Masks are listed only when `withMasks`; a row without one then has `mask: null`. */
export async function listJsonl(
  file: string,
  columns: JsonlColumns,
  withMasks: boolean,
): Promise<Listing> {
  const text = await readFile(file, "utf8").catch((cause) =>
    new DatasetFault({
      key: "data_loader.dataset.jsonl_path",
      file,
      wanted: "a file with one JSON object a line",
      found: cause.code === "EISDIR" ? "a folder" : "no such file",
      fix: "Correct the path; a relative one starts at the folder the command is given in.",
      cause,
    })
  );
  if (typeof text !== "string") return refused(text);
  const rows = text.replace(/^\ufeff/, "").split("\n").flatMap((line, i) =>
    line.trim() === "" ? [] : [readRow(line, file, i + 1, columns)]
  );
  if (rows.length === 0) {
    return refused(
      new DatasetFault({ file, wanted: "at least one line", found: "none", fix: "Add pictures." }),
    );
  }
  const folder = dirname(file);
  const faults = rows.filter((row) => row instanceof DatasetFault);
  const names = new Map<string, number>();
  const sources: Source[] = [];
  for (const row of rows) {
    if (row instanceof DatasetFault) continue;
    const image = await insideFolder(folder, row.image, file, row.line);
    const mask = !withMasks || row.mask === null
      ? null
      : await insideFolder(folder, row.mask, file, row.line);
    if (image instanceof DatasetFault) faults.push(image);
    if (mask instanceof DatasetFault) faults.push(mask);
    if (image instanceof DatasetFault || mask instanceof DatasetFault) continue;
    const name = relative(folder, image).split(sep).join("/");
    const times = (names.get(name) ?? 0) + 1;
    names.set(name, times);
    sources.push({
      ...pictureFile(image),
      name: times === 1 ? name : `${name}#${times}`,
      caption: row.caption,
      mask: mask === null ? null : pictureFile(mask),
    });
  }
  if (faults.length > 0) return refused(...faults);
  return {
    sources,
    files: [
      ...new Set(sources.flatMap(({ file, mask }) => mask === null ? [file] : [file, mask.file])),
    ],
    warnings: [...names].filter(([, times]) => times > 1).map(([name, times]) =>
      `${file} names ${name} ${times} times: it counts ${times} times in every epoch. ` +
      "Remove the extra lines if that is not meant."
    ),
    faults: [],
  };
}

function readRow(
  text: string,
  file: string,
  line: number,
  { image_column, caption_column }: JsonlColumns,
): Row | DatasetFault {
  const refuse = (wanted: string, found: string, fix: string) =>
    new DatasetFault({ file, line, wanted, found, fix });
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    return refuse("a JSON object", text.trim().slice(0, 40), "Write one object a line.");
  }
  if (!isMapping(row)) {
    return refuse("a JSON object", text.trim().slice(0, 40), "Write one object a line.");
  }
  for (const column of [image_column, caption_column]) {
    if (typeof row[column] !== "string") {
      return refuse(
        `a text in column "${column}"`,
        column in row
          ? JSON.stringify(row[column]).slice(0, 40)
          : `the columns ${Object.keys(row).join(", ")}`,
        "Correct the line, or set image_column and caption_column to the names used here.",
      );
    }
  }
  const mask = row.mask ?? null;
  if (mask !== null && typeof mask !== "string") {
    return refuse('a path or null in column "mask"', JSON.stringify(mask), "Correct the line.");
  }
  return {
    image: row[image_column] as string,
    caption: row[caption_column] as string,
    mask: mask === "" ? null : mask,
    line,
  };
}

/** Where an existing file inside `folder` is. */
async function insideFolder(
  folder: string,
  path: string,
  file: string,
  line: number,
): Promise<string | DatasetFault> {
  const leaves = (from: string, to: string) => {
    const way = relative(from, to);
    return way === ".." || way.startsWith(`..${sep}`) || resolve(to) === way;
  };
  const outside = () =>
    new DatasetFault({
      file,
      line,
      wanted: `a path inside ${folder}`,
      found: path,
      fix: "Copy the file into the dataset's folder.",
    });
  const target = resolve(folder, path);
  if (leaves(resolve(folder), target)) return outside();
  try {
    if (leaves(await realpath(folder), await realpath(target))) return outside();
    return isAbsolute(path) ? path : join(folder, path);
  } catch (cause) {
    return new DatasetFault({
      file,
      line,
      wanted: `the picture ${path}`,
      found: "no such file",
      fix: "Restore the file or remove the line.",
      cause,
    });
  }
}
