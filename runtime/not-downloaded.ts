// What `inputs` fails with in a dry run when weights or a data set are not on this machine. The plan
// prints it and goes on; a real run never sees it, because there the network may be used.
import { fault } from "../engine/fault.ts";

export class NotDownloaded extends fault("NotDownloaded", "world") {}

/** A model or data set by name, and the files that are missing (empty: all of it is). */
export const notDownloaded = (what: string, missing: readonly string[]): NotDownloaded =>
  new NotDownloaded({
    key: what,
    wanted: "it on this machine",
    found: missing.length === 0 ? "nothing of it" : `it without ${missing.join(", ")}`,
    fix: "A run without --dry-run downloads it.",
  });
