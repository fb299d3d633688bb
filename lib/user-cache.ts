// Where gnomic keeps for this user, whatever the output folder, what took time to find out or to make.
// The trap: all of it can be made again; nothing may rely on it being there, or being writable.
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

export const userCache = (what: "devices" | "weights" | "weight-files"): string =>
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "gnomic", what);
