// Ends at once, with one line, where packages are missing: before `npm install`, or after one over what Deno
// had put there, whose links npm takes for packages. Loaded by what package.json starts.
// The trap: the program itself needs the packages, so this imports none of it.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What to say of a project's folder (a URL that ends in a slash); null where its packages are there. */
export function missingPackages(folder) {
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
  const missing = Object.keys(dependencies)
    .filter((name) => !existsSync(new URL(`node_modules/${name}/package.json`, folder)));
  return missing.length === 0 ? null : "gnomic wants the packages of package.json in " +
    `${fileURLToPath(new URL("node_modules", folder))}, found no ${missing.join(", ")}. ` +
    "Run `npm ci`, which makes that folder anew.";
}

const complaint = missingPackages(new URL("../", import.meta.url));
if (complaint !== null && process.versions.deno === undefined) {
  process.stderr.write(`${complaint}\n`);
  process.exit(2);
}
