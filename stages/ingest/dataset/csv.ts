// Comma-separated values (RFC 4180): quoted fields may hold commas, line breaks and doubled quotes.
// The trap: the line number of a row is not its index, since a quoted field may span lines; and a quote
// that does not enclose its field would cut it off at the next comma, so it is an error.

export interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
}

/** What is wrong in a line. */
export interface CsvFinding {
  readonly line: number;
  readonly found: string;
}

/** All rows with at least one character, the heading included. */
export function parseCsv(
  text: string,
): { readonly rows: readonly CsvRow[]; readonly findings: readonly CsvFinding[] } {
  const rows: CsvRow[] = [];
  const findings: CsvFinding[] = [];
  let fields: string[] = [];
  let line = 1;
  let next = 1;
  // A field, quoted or not, and what ends it.
  const field = /(?:"((?:[^"]|"")*)"|((?!")[^,\r\n]*)|("[^\r\n]*))(,|\r?\n|\r(?!\n)|$)/gy;
  for (let found; (found = field.exec(text)) !== null;) {
    const [all, quoted, plain, stray, end] = found;
    if (stray !== undefined) {
      findings.push({ line: next, found: "a quote that does not enclose its field" });
    }
    if (end === "\r") {
      findings.push({ line: next, found: "a carriage return without a line feed" });
    }
    fields.push(quoted === undefined ? plain ?? stray : quoted.replaceAll('""', '"'));
    next += all.split("\n").length - 1;
    if (end === ",") continue;
    if (fields.join("") !== "") rows.push({ line, fields });
    fields = [];
    line = next;
    if (field.lastIndex >= text.length) break;
  }
  return { rows, findings };
}
