// A Parquet file as far as datasets of captioned pictures use it: columns of texts or bytes, read one
// column of one row group at a time, by hyparquet, within limits (parquet-limits.ts).
// The trap: a column goes by its full path; the datasets library keeps a picture in `image.bytes`.
import type { FileMetaData } from "hyparquet";
import { parquetMetadata, parquetSchema } from "hyparquet/src/metadata.js";
import { type OpenFile, withFile } from "../../../../lib/plain-files.ts";
import { DatasetFault } from "../listing.ts";
import { columnValues, type Values } from "./column-values.ts";
import { atMost, checkThrift, mostColumns, mostRows, ParquetLimit } from "./parquet-limits.ts";

export interface ParquetFile {
  readonly file: string;
  /** Dotted paths of the columns. */
  readonly columns: readonly string[];
  /** Rows of each row group. */
  readonly groups: readonly number[];
  /** Throws a DatasetFault when the column is missing, damaged, or not of texts or bytes. */
  readonly readColumn: (group: number, path: string) => Promise<Values>;
}

interface Column {
  readonly path: string;
  readonly isBytes: boolean;
  readonly repeated: boolean;
  /** How many of it and its parents may be null. */
  readonly levels: number;
}

/** Reads the footer. Throws a DatasetFault when there is none, or one of more rows than are read. */
export async function openParquet(file: string): Promise<ParquetFile> {
  const { columns, groups, chunkOf } = await attempt({ file }, async () => {
    const footer = await withFile(file, readFooter);
    checkThrift(footer);
    const metadata = parquetMetadata(footer, { geoparquet: false });
    return {
      columns: columnsOf(metadata),
      groups: groupsOf(metadata),
      chunkOf: chunksOf(metadata),
    };
  });
  return {
    file,
    columns: columns.map(({ path }) => path),
    groups,
    readColumn: (group, path) =>
      attempt({ file, key: `column ${path} of row group ${group}` }, async () => {
        const column = columns.find((column) => column.path === path);
        if (column === undefined || !column.isBytes || column.repeated) {
          throw new ParquetLimit(
            "a column of texts or bytes",
            column === undefined ? "no such column" : "one of something else",
          );
        }
        const { start, length, codec } = chunkOf(group, path);
        const bytes = await withFile(file, (open) => readAt(open, start, length));
        return columnValues(bytes, { codec, rows: groups[group], levels: column.levels });
      }),
  };
}

/** The footer with the eight bytes behind it, as hyparquet wants it. */
async function readFooter(open: OpenFile): Promise<Uint8Array> {
  const { size } = open;
  const tail = await readAt(open, size - 8, 8);
  if (new TextDecoder().decode(tail.subarray(4)) !== "PAR1") throw new RangeError("no footer");
  const length = new DataView(tail.buffer).getUint32(0, true);
  return await readAt(open, size - 8 - length, length + 8);
}

function columnsOf(metadata: FileMetaData): readonly Column[] {
  atMost(mostColumns, "columns", metadata.schema.length);
  type Tree = ReturnType<typeof parquetSchema>;
  const walk = (tree: Tree, levels: number, repeated: boolean): readonly Column[] => {
    const { element, children, path } = tree;
    const isRoot = path.length === 0;
    const optional = !isRoot && element.repetition_type !== "REQUIRED";
    const here = levels + (optional ? 1 : 0);
    const again = repeated || (!isRoot && element.repetition_type === "REPEATED");
    return children.length > 0 ? children.flatMap((child) => walk(child, here, again)) : [{
      path: path.join("."),
      isBytes: element.type === "BYTE_ARRAY",
      repeated: again,
      levels: here,
    }];
  };
  return walk(parquetSchema(metadata), 0, false);
}

function groupsOf({ num_rows, row_groups }: FileMetaData): readonly number[] {
  atMost(mostRows, "rows in a file", Number(num_rows));
  const groups = row_groups.map((group) => Number(group.num_rows));
  let left = Number(num_rows);
  for (const rows of groups) {
    atMost(left, "rows left for a row group", rows);
    left -= rows;
  }
  return groups;
}

const chunksOf = ({ row_groups }: FileMetaData) => (group: number, path: string) => {
  const chunk = row_groups[group].columns.map(({ meta_data }) => meta_data)
    .find((data) => data?.path_in_schema.join(".") === path);
  if (chunk === undefined) throw new RangeError("a row group without it");
  return {
    start: Number(chunk.dictionary_page_offset || chunk.data_page_offset), // a dictionary comes first
    length: Number(chunk.total_compressed_size),
    codec: chunk.codec,
  };
};

async function readAt(
  { size, read }: OpenFile,
  position: number,
  length: number,
): Promise<Uint8Array> {
  if (!(position >= 0 && length >= 0 && position + length <= size)) {
    throw new RangeError("a part outside the file");
  }
  const bytes = await read(position, length);
  if (bytes.length < length) throw new RangeError("an end too soon");
  return new Uint8Array(bytes.buffer);
}

async function attempt<A>(
  place: { readonly file: string; readonly key?: string },
  read: () => A | Promise<A>,
): Promise<A> {
  try {
    return await read();
  } catch (cause) {
    throw new DatasetFault({
      ...place,
      wanted: cause instanceof ParquetLimit
        ? cause.wanted
        : "a Parquet file of pictures and captions",
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "Download it again, or save the dataset as pictures with a metadata.jsonl.",
      cause,
    });
  }
}
