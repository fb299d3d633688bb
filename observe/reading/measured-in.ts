// What the fixed losses of the run in a folder were measured on, worked out again only when its manifest has
// changed: lists and boards ask every few seconds, and the manifest of many pictures is long.
// The trap: a file that was written this moment may change again unseen, so that one is not remembered.
import { type MeasuredOn, measuredOn } from "../../inversion/measured-on.ts";
import { settledStamp } from "../../lib/file-stamp.ts";
import { readRunFile } from "./run-reader.ts";
import { manifestFile } from "../../runtime/run-folder/run-files.ts";

const known = new Map<string, { readonly stamp: string; readonly on: MeasuredOn | null }>();

/** Null where it does not say, or there is no run. */
export async function measuredIn(dir: string): Promise<MeasuredOn | null> {
  const stamp = await settledStamp(manifestFile(dir));
  const before = known.get(dir);
  if (before !== undefined && before.stamp === stamp) return before.on;
  const on = measuredOn(await readRunFile(dir));
  if (stamp !== undefined) known.set(dir, { stamp, on });
  return on;
}
