// Whether the disk has room for what a run writes here, beside what the runs that train here will still write.
// The trap: what of a run is here already it does not write again; a disk that does not tell has room.
import { stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Effect } from "effect";
import { bytesBelow } from "../lib/look.ts";

/** A run that trains here, or is to. */
export interface Writing {
  /** The folder of runs. */
  readonly base: string;
  readonly name: string;
  /** Bytes in all, about. */
  readonly writes: number;
}

/** The disk that a folder is on, or will be. */
async function diskOf(folder: string): Promise<{ readonly device: number; readonly free: number }> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return { device: (await stat(folder)).dev, free: bavail * bsize };
  } catch {
    const above = dirname(folder);
    return above === folder ? { device: -1, free: Infinity } : await diskOf(above);
  }
}

/** What a run lacks may be a millionth of what it writes. */
const sizeText = (bytes: number) =>
  bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** What a run still writes. */
const moreOf = ({ base, name, writes }: Writing) =>
  Effect.map(
    Effect.orElseSucceed(bytesBelow(join(base, name)), () => 0),
    (here) => Math.max(0, writes - here),
  );

/** Why a run has no room beside `others`; null: it has. */
export const noRoom = (
  run: Writing,
  others: readonly Writing[],
): Effect.Effect<string | null> =>
  Effect.gen(function* () {
    const { device, free } = yield* Effect.promise(() => diskOf(run.base));
    const most = [run, ...others].reduce((sum, { writes }) => sum + writes, 0);
    if (most <= free) return null;
    const more = yield* moreOf(run);
    let taken = 0;
    for (const other of others) {
      const disk = yield* Effect.promise(() => diskOf(other.base));
      if (disk.device === device) taken += yield* moreOf(other);
    }
    if (more + taken <= free) return null;
    const beside = taken === 0 ? "" : `, ${sizeText(taken)} of it for what trains here`;
    return `it writes ${sizeText(more)}, and ${run.base} has ${sizeText(free)} free${beside}: ` +
      `${sizeText(more + taken - free)} too little`;
  });
