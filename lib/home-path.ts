// A path as people write it: `~` is their home folder, also where no shell has put that in its place (in a
// file, behind an equals sign). The trap: a folder called `~` or `x ` is never meant, so what cannot be
// read that way is refused and not made.
import { homedir } from "node:os";
import { join } from "node:path";

export interface PathSlip {
  readonly wanted: string;
  readonly found: string;
  readonly fix: string;
}

/** The path, or what is wrong with it. */
export function homePath(path: string): string | PathSlip {
  if (path !== path.trim()) {
    return {
      wanted: "a path without blanks at its ends",
      found: JSON.stringify(path),
      fix: "Remove them.",
    };
  }
  if (path === "~" || /^~[/\\]/.test(path)) return join(homedir(), path.slice(1));
  if (!/^~[^/\\]*([/\\]|$)/.test(path)) return path;
  return {
    wanted: "a path; only ~ by itself is the home folder",
    found: JSON.stringify(path),
    fix: "Write that user's folder out.",
  };
}
