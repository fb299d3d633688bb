// Small copies of the training pictures in the run's own folder (`training/`), for the page and the
// report to show beside the validation pictures, also after the run was moved to another machine.
// The trap: they are made from decoded pixels, so nothing of a photo's EXIF gets here.
import { join } from "node:path";
import sharp from "sharp";
import { Effect } from "effect";
import { atomicWrite, makeFolder } from "../lib/atomic-write.ts";
import { diskFault } from "../lib/disk-fault.ts";
import type { Fault } from "../lib/fault.ts";
import { Files } from "../lib/files.ts";
import { readUtf8 } from "../lib/plain-files.ts";
import { tryPromise } from "../lib/try-promise.ts";

export interface TrainingPicture {
  /** Below the run's folder. */
  readonly path: string;
  readonly name: string;
  /** SHA-256 of the picture file, in hex; older copies have none. */
  readonly digest?: string;
  readonly caption: string | null;
  readonly width: number;
  readonly height: number;
}

/** A picture as the training sees it. */
export interface TrainingPixels {
  readonly name: string;
  readonly digest: string;
  readonly caption: string | null;
  readonly width: number;
  readonly height: number;
  /** uint8 [height, width, 3]. */
  readonly rgb: Effect.Effect<Uint8Array, Fault>;
}

const folder = "training";
/** Says that the copies are complete; below the run's folder. */
const trainingIndex = `${folder}/pictures.json`;
const side = 512;
const mostPictures = 64;

/** Writes the copies (of the first 64 pictures), unless they are there. */
export const keepTrainingPictures = Effect.fn("keepTrainingPictures")(
  function* (runDir: string, pictures: readonly TrainingPixels[]) {
    if (yield* areKept(runDir)) return;
    yield* makeFolder(join(runDir, folder));
    const kept: TrainingPicture[] = [];
    for (const [i, { name, digest, caption, width, height, rgb }] of pictures.entries()) {
      if (i === mostPictures) break;
      const path = `${folder}/${String(i).padStart(4, "0")}.jpg`;
      const pixels = yield* rgb;
      const { data, info } = yield* tryPromise(() =>
        sharp(pixels, { raw: { width, height, channels: 3 } })
          .resize(side, side, { fit: "inside", withoutEnlargement: true })
          .jpeg({ quality: 88 }).toBuffer({ resolveWithObject: true })
      );
      yield* atomicWrite(join(runDir, path), data, { what: "a training picture" });
      kept.push({ path, name, digest, caption, width: info.width, height: info.height });
    }
    yield* atomicWrite(join(runDir, trainingIndex), JSON.stringify(kept));
  },
);

/** Whether the copies are complete. */
export const areKept = (runDir: string): Effect.Effect<boolean, Fault> => {
  const path = join(runDir, trainingIndex);
  return Effect.flatMap(Files, (files) => files.exists(path)).pipe(
    Effect.mapError(diskFault(path, "to look for the training pictures")),
  );
};

/** The copies of a run; none when it has none. Their paths must still be checked (`insideRun`). */
export async function readTrainingPictures(runDir: string): Promise<readonly TrainingPicture[]> {
  try {
    const list: unknown = JSON.parse(await readUtf8(join(runDir, trainingIndex)));
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}
