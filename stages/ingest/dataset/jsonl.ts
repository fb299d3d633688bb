// IMAGE_CAPTION_JSONL_DATASET: one JSON object a line with a picture's path, a caption, and optionally
// a mask's path in the column `mask`. Paths start at the file's folder. The order is the file's.
// The trap: a picture that is listed twice counts twice, under two names.
import { basename, dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { duplicateKey } from "../../../lib/duplicate-key.ts";
import { whyUnreadable } from "../../../lib/file-fault.ts";
import { isMapping } from "../../../lib/mapping.ts";
import { anywhere, insideFolder, leaves } from "./listed-path.ts";
import { DatasetFault, type Listing, pictureFile, refused, type Source } from "./listing.ts";
import { spelling } from "./same-name.ts";
import { linesOf, mostListBytes, readText } from "./text-file.ts";

export interface JsonlColumns {
  readonly image_column: string;
  readonly caption_column: string;
  readonly allow_outside_paths?: boolean;
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
  const lines = await readText(file, mostListBytes).then(
    (text) => jsonArrayFault(text, file) ?? linesOf(text, file),
  ).catch((cause) =>
    cause instanceof DatasetFault ? cause : new DatasetFault({
      key: "data_loader.dataset.jsonl_path",
      file,
      wanted: "a file with one JSON object a line",
      found: whyUnreadable(cause),
      fix:
        "Correct the path or its rights; a relative one starts at the folder the command is given in.",
      cause,
    })
  );
  if (lines instanceof DatasetFault) return refused(lines);
  const rows = lines.flatMap((line, i) =>
    line.trim() === "" ? [] : [readRow(line, file, i + 1, columns)]
  );
  if (rows.length === 0) {
    return refused(
      new DatasetFault({ file, wanted: "at least one line", found: "none", fix: "Add pictures." }),
    );
  }
  const folder = dirname(file);
  const spelled = spelling(folder);
  const faults = rows.filter((row) => row instanceof DatasetFault);
  const names = new Map<string, readonly string[]>();
  const sources: Source[] = [];
  for (const row of rows) {
    if (row instanceof DatasetFault) continue;
    const find = async (path: string) => {
      const look = columns.allow_outside_paths === true ? anywhere : insideFolder;
      const found = await look(folder, path, file, row.line);
      const meant = found instanceof DatasetFault && !isAbsolute(path)
        ? await spelled(path)
        : undefined;
      return meant === undefined ? found : await look(folder, meant, file, row.line);
    };
    const image = await find(row.image);
    const mask = !withMasks || row.mask === null ? null : await find(row.mask);
    if (image instanceof DatasetFault) faults.push(image);
    if (mask instanceof DatasetFault) faults.push(mask);
    if (image instanceof DatasetFault || mask instanceof DatasetFault) continue;
    // A folder from elsewhere stays out of names: they are shown.
    const within = relative(folder, image).split(sep).join("/");
    const isOutside = leaves(resolve(folder), resolve(image));
    const name = isOutside ? basename(image) : within;
    const times = (names.get(name)?.length ?? 0) + 1;
    names.set(name, [...(names.get(name) ?? []), image]);
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
    warnings: [
      ...[...names].filter(([, files]) => new Set(files).size < files.length).map(([name, files]) =>
        `${file} names ${name} ${files.length} times: it counts ${files.length} times in every ` +
        "epoch. Remove the extra lines if that is not meant."
      ),
      ...unusedMasks(rows, withMasks),
    ],
    faults: [],
  };
}

/** A mask that was drawn and named is meant to be used. */
function unusedMasks(rows: readonly (Row | DatasetFault)[], withMasks: boolean): readonly string[] {
  const masked = rows.filter((row) => !(row instanceof DatasetFault) && row.mask !== null).length;
  return withMasks || masked === 0 ? [] : [
    `${masked} of ${rows.length} pictures have a mask, and use_masks is false: masks are not used.`,
  ];
}

/** A JSON array, as many tools write one, where lines are wanted; null for anything else. */
export const jsonArrayFault = (text: string, file: string): DatasetFault | null =>
  !text.trimStart().startsWith("[") ? null : new DatasetFault({
    file,
    line: 1,
    wanted: "one JSON object a line",
    found: "a JSON array",
    fix: "Write each object on a line of its own, as `jq -c '.[]'` does.",
  });

/** JSON's readers take the last, and the other caption is lost. */
export const onceEach = "each column once";

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
  const twice = duplicateKey(text);
  if (twice !== undefined) return refuse(onceEach, `${twice} again`, "Remove one of them.");
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
