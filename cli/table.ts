// A plain table for a terminal: columns as wide as their widest cell, two blanks between them.
// The trap: what comes from files may hold control characters, so cells are made plain first.
import { plainText } from "./plain-text.ts";

/** Lines without trailing blanks; `right` names the columns that are flush right. */
export function table(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): readonly string[] {
  const cells = rows.map((row) => row.map(plainText));
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) =>
    row.map((cell, i) => right.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))
      .join("  ")
      .trimEnd()
  );
}
