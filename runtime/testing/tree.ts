// Everything below a folder by path, with its content in hex: to see that two folders are the same.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export function treeOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.toSorted().map((file) => [
      relative(folder, file).replaceAll("\\", "/"),
      readFileSync(file).toString("hex"),
    ]),
  );
}
