// A Parquet file as far as datasets of captioned pictures use it: columns of texts or bytes, read one
// column of one row group at a time. After the specification in apache/parquet-format.
// The trap: a column goes by its full path; the datasets library keeps a picture in `image.bytes`.
import { type FileHandle, open } from "node:fs/promises";
import { DatasetFault } from "../listing.ts";
import { type Column, readPages } from "./pages.ts";
import {
  numberAt,
  readThrift,
  structAt,
  structsAt,
  textAt,
  textOf,
  type ThriftStruct,
} from "./thrift.ts";

export interface ParquetFile {
  readonly file: string;
  /** Dotted paths of the columns. */
  readonly columns: readonly string[];
  /** Rows of each row group. */
  readonly groups: readonly number[];
  /** Throws a DatasetFault when the column is missing, damaged, or not of texts or bytes. */
  readonly readColumn: (group: number, path: string) => Promise<readonly (Uint8Array | null)[]>;
}

/** Reads the footer. Throws a DatasetFault when there is none. */
export async function openParquet(file: string): Promise<ParquetFile> {
  const footer = await attempt(file, async () =>
    await withFile(file, async (handle) => {
      const { size } = await handle.stat();
      const tail = await readAt(handle, size - 8, 8);
      if (textOf(tail.subarray(4)) !== "PAR1") throw new RangeError("no footer");
      const length = new DataView(tail.buffer).getUint32(0, true);
      return readThrift(await readAt(handle, size - 8 - length, length)).struct;
    }));
  return await attempt(file, () => {
    const columns = columnsOf(structsAt(footer, 2));
    const groups = structsAt(footer, 4);
    return {
      file,
      columns: columns.map(({ path }) => path),
      groups: groups.map((group) => numberAt(group, 3)),
      readColumn: (group, path) =>
        attempt(file, async () => {
          const column = columns.find((column) => column.path === path);
          if (column === undefined || !column.isBytes || column.repeated) {
            throw new RangeError(
              `a column ${path} of ${column === undefined ? "nothing" : "no texts"}`,
            );
          }
          const chunk = chunkOf(groups[group], path);
          const start = numberAt(chunk, chunk.has(11) ? 11 : 9); // the dictionary comes first
          const bytes = await withFile(
            file,
            (handle) => readAt(handle, start, numberAt(chunk, 7)),
          );
          return readPages(bytes, column, {
            codec: numberAt(chunk, 4),
            values: numberAt(chunk, 5),
          });
        }),
    };
  });
}

/** The schema is a tree written depth first: each element with its number of children. */
function columnsOf(elements: readonly ThriftStruct[]): readonly Column[] {
  let next = 0;
  const walk = (above: Omit<Column, "isBytes">, isRoot = false): readonly Column[] => {
    const element = elements[next++];
    const repetition = isRoot ? 0 : Number(element.get(3) ?? 0); // 1 optional, 2 repeated
    const name = textAt(element, 4);
    const here = isRoot ? above : {
      path: above.path === "" ? name : `${above.path}.${name}`,
      repeated: above.repeated || repetition === 2,
      levels: above.levels + (repetition === 0 ? 0 : 1),
    };
    const children = Number(element.get(5) ?? 0);
    return children === 0
      ? [{ ...here, isBytes: element.get(1) === 6 }]
      : Array.from({ length: children }, () => walk(here)).flat();
  };
  return walk({ path: "", repeated: false, levels: 0 }, true);
}

function chunkOf(group: ThriftStruct, path: string): ThriftStruct {
  const found = structsAt(group, 1).map((chunk) => structAt(chunk, 3))
    .find((chunk) => (chunk.get(3) as Uint8Array[]).map(textOf).join(".") === path);
  if (found === undefined) throw new RangeError(`a row group without ${path}`);
  return found;
}

async function withFile<A>(file: string, use: (handle: FileHandle) => Promise<A>): Promise<A> {
  const handle = await open(file);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const { size } = await handle.stat();
  if (position < 0 || position + length > size) throw new RangeError("a part outside the file");
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  if (bytesRead < length) throw new RangeError("an end too soon");
  return bytes;
}

async function attempt<A>(file: string, read: () => A | Promise<A>): Promise<A> {
  try {
    return await read();
  } catch (cause) {
    throw new DatasetFault({
      file,
      wanted: "a Parquet file of pictures and captions",
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "Download it again, or save the dataset as pictures with a metadata.jsonl.",
      cause,
    });
  }
}
