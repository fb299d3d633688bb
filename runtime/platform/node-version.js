// Ends at once, with one line, where Node is too old to run TypeScript as it is. Loaded before everything
// else by what package.json starts; Deno never loads it.
// The trap: an old Node has to be able to read this file, so it is JavaScript.
import process from "node:process";

const wanted = [22, 19];

/** What to say to a Node of this version, e.g. "20.20.2"; null where it will do. */
export function complaintAbout(version) {
  const [major, minor] = version.split(".").map(Number);
  const recent = major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
  return recent ? null : `gnomic wants Node ${wanted.join(".")} or later, found ${version}. ` +
    "Get it from https://nodejs.org, or run the same with Deno, which this Node can start: " +
    "npx -y deno@2.9.6 run pipeline --help";
}

const complaint = complaintAbout(process.versions.node);
if (complaint !== null && process.versions.deno === undefined) {
  process.stderr.write(`${complaint}\n`);
  process.exit(2);
}
