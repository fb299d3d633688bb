// Whether the disk has room for what a run writes here.
// The trap: what of the run is here already it does not write again; a disk that does not tell has room.
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Effect } from "effect";
import { bytesBelow } from "../lib/look.ts";

/** Of the disk that a folder is on, or will be. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return dirname(folder) === folder ? Infinity : await freeBytes(dirname(folder));
  }
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toPrecision(2)} GiB`;

/** Why the run `name` in the folder `base` has no room; null: it has. */
export const noRoom = (base: string, name: string, writes: number): Effect.Effect<string | null> =>
  Effect.gen(function* () {
    const free = yield* Effect.promise(() => freeBytes(base));
    if (writes <= free) return null;
    const here = yield* Effect.orElseSucceed(bytesBelow(join(base, name)), () => 0);
    const more = writes - here;
    return more <= free ? null : `it writes ${gib(more)}, and ${base} has ${gib(free)} free`;
  });
