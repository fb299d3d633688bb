// What tells that a file's bytes are still those that were read: size, times, inode and device. Times are
// as exact as both runtimes say them (Deno knows changes of the inode by the second), so that what one
// remembers the other knows.
// The trap (git calls it "racily clean"): a file touched within the last two seconds, whichever way the
// clock was set, could change again without changing its times, so nothing is remembered of it.
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";

const racyMs = 2000;

export const stampOf = (info: BigIntStats): string =>
  [info.size, info.mtimeNs / 1_000_000n, info.ctimeNs / 1_000_000_000n, info.ino, info.dev].join(
    " ",
  );

/** Whether the stamp, taken at `now` (milliseconds since 1970), can be relied on. */
export const isSettled = ({ mtimeNs, ctimeNs }: BigIntStats, now: number): boolean =>
  [mtimeNs, ctimeNs].every((time) => Math.abs(now - Number(time / 1_000_000n)) > racyMs);

/** The stamp of a file, "none" where there is none; undefined while its bytes may still change unseen. */
export async function settledStamp(file: string): Promise<string | undefined> {
  const info = await stat(file, { bigint: true }).catch(() => null);
  if (info === null) return "none";
  return isSettled(info, Date.now()) ? stampOf(info) : undefined;
}
