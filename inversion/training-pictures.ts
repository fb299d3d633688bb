// Small copies of the training pictures in the run's own folder (`training/`), for the page and the
// report to show beside the validation pictures, also after the run was moved to another machine.
// The trap: they are made from decoded pixels, so nothing of a photo's EXIF gets here.
import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { renameOver } from "../lib/rename-over.ts";

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
  readonly rgb: () => Promise<Uint8Array>;
}

const folder = "training";
/** Says that the copies are complete; below the run's folder. */
export const trainingIndex = `${folder}/pictures.json`;
const side = 512;
const mostPictures = 64;

/** Writes the copies (of the first 64 pictures), unless they are there. */
export async function keepTrainingPictures(
  runDir: string,
  pictures: readonly TrainingPixels[],
): Promise<void> {
  const there = await access(join(runDir, trainingIndex)).then(() => true, () => false);
  if (there) return;
  await mkdir(join(runDir, folder), { recursive: true });
  const kept: TrainingPicture[] = [];
  for (const [i, { name, digest, caption, width, height, rgb }] of pictures.entries()) {
    if (i === mostPictures) break;
    const path = `${folder}/${String(i).padStart(4, "0")}.jpg`;
    const made = await sharp(await rgb(), { raw: { width, height, channels: 3 } })
      .resize(side, side, { fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: 88 }).toFile(join(runDir, path));
    kept.push({ path, name, digest, caption, width: made.width, height: made.height });
  }
  const unfinished = join(runDir, `${trainingIndex}.tmp`);
  await writeFile(unfinished, JSON.stringify(kept));
  await renameOver(() => rename(unfinished, join(runDir, trainingIndex)));
}

/** The copies of a run; none when it has none. Their paths must still be checked (`insideRun`). */
export async function readTrainingPictures(runDir: string): Promise<readonly TrainingPicture[]> {
  try {
    const list: unknown = JSON.parse(await readFile(join(runDir, trainingIndex), "utf8"));
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}
