// Comma-separated values (RFC 4180): quoted fields may hold commas, line breaks and doubled quotes.
// The trap: the line number of a row is not its index, since a quoted field may span lines.

export interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
}

/** All rows with at least one character, the heading included. */
export function parseCsv(text: string): readonly CsvRow[] {
  const rows: CsvRow[] = [];
  let fields: string[] = [];
  let line = 1;
  let next = 1;
  // A field, quoted or not, and what ends it.
  for (
    const [all, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g)
  ) {
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    next += all.split("\n").length - 1;
    if (end === ",") continue;
    if (fields.join("") !== "") rows.push({ line, fields });
    fields = [];
    line = next;
  }
  return rows;
}
