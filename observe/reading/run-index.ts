// What a run's events come to, kept beside them in `.events-index`, so that a long log is not folded anew by
// everybody who looks. It is derived: it may be deleted at any time, and what cannot be written is no harm.
// The trap: an index must never answer for another log. It says of which bytes it is (how many, and their
// SHA-256, which event-tail.ts checks), with which code they were folded, and its own SHA-256.
import { join } from "node:path";
import { removeAbandoned, writeAtomically } from "../../lib/atomic-file.ts";
import { readBytes, readUtf8 } from "../../lib/plain-files.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { Curves } from "./curves.js";
import type { RunState } from "./run-state.js";

export interface RunIndex {
  /** Bytes of the log that it is of, their SHA-256, and how many of their lines are no event. */
  readonly offset: number;
  readonly digest: string;
  readonly skipped: number;
  readonly state: RunState;
  readonly curves: Curves;
}

const indexFile = (runDir: string) => join(runDir, ".events-index");

/** Whatever decides how a line is folded: with other code the index is another. */
const sources = [
  ...["./curves.js", "./fold-event.js", "./run-state.js", "./quick-event.ts"],
  ...["metrics.js", "events.ts", "event-kinds.ts"].map((name) => `../../inversion/${name}`),
  "../../runtime/events.ts",
];
const digestSources = async () =>
  sha256(
    (await Promise.all(sources.map((path) => readUtf8(new URL(path, import.meta.url)))))
      .join(),
  );
/** Of the code as it was when it was first asked for. */
let code: Promise<string> | undefined;
const codeDigest = () => code ??= digestSources();

type Column = readonly (number | null)[];
interface Packed {
  readonly column: number;
}

const isColumn = (value: unknown): value is Column =>
  Array.isArray(value) && value.every((each) => each === null || typeof each === "number");

/** JSON in which lists of numbers are replaced by their place among `columns`. */
function pack(value: unknown): { readonly json: string; readonly columns: readonly Column[] } {
  const columns: Column[] = [];
  const json = JSON.stringify(
    value,
    (_, each) => isColumn(each) ? { column: columns.push(each) - 1 } satisfies Packed : each,
  );
  return { json, columns };
}

const unpack = (json: string, columns: readonly Column[]): unknown =>
  JSON.parse(
    json,
    (_, each) => typeof each?.column === "number" ? columns[(each as Packed).column] : each,
  );

/** Null is NaN, which no event has. (Loops: `Array.from` with a function takes ten times as long.) */
function toBytes(column: Column): Uint8Array {
  const numbers = new Float64Array(column.length);
  for (let i = 0; i < column.length; i++) numbers[i] = column[i] ?? NaN;
  return new Uint8Array(numbers.buffer);
}

function fromBytes(bytes: Uint8Array<ArrayBuffer>): Column {
  const column: (number | null)[] = [];
  for (const value of new Float64Array(bytes.buffer)) {
    column.push(Number.isNaN(value) ? null : value);
  }
  return column;
}

const lineEnd = 10;

/** Writes what it is given as it is now; fails where the folder cannot be written. */
export async function writeIndex(runDir: string, index: RunIndex): Promise<void> {
  const { json: curves, columns } = pack(index.curves);
  const lengths = columns.map(({ length }) => length);
  const { offset, digest, skipped, state } = index;
  const head = { offset, digest, skipped, state, curves, lengths };
  const numbers = columns.map(toBytes);
  const line = JSON.stringify({ ...head, code: await codeDigest() });
  const body = Buffer.concat([Buffer.from(`${line}\n`), ...numbers]);
  await writeAtomically(indexFile(runDir), [Buffer.from(`${sha256(body)}\n`), body]);
  await removeAbandoned(runDir);
}

/** The index that lies there; undefined: none, a damaged one, or one of other code. */
export async function readIndex(runDir: string): Promise<RunIndex | undefined> {
  try {
    const file = await readBytes(indexFile(runDir));
    const body = file.subarray(file.indexOf(lineEnd) + 1);
    if (file.subarray(0, file.length - body.length - 1).toString() !== sha256(body)) {
      return undefined;
    }
    const end = body.indexOf(lineEnd);
    const { curves, lengths, code: folded, ...index } = JSON.parse(
      body.subarray(0, end).toString(),
    );
    if (folded !== await codeDigest()) return undefined;
    let at = end + 1;
    const columns = (lengths as number[]).map((length) =>
      fromBytes(new Uint8Array(body.subarray(at, at += 8 * length)))
    );
    return { ...index, curves: unpack(curves, columns) };
  } catch {
    return undefined;
  }
}
