// Pictures for the page, by what they are and never by a path from the request: a validation picture
// by step, prompt and image, a training picture by its number. Thumbnails are made on demand and a few
// hundred of them kept. The trap: the path comes from the run's files, which may have been imported
// from anywhere, so it must stay in the run's folder, and what is sent was decoded as a picture.
import sharp from "sharp";
import { readTrainingPictures } from "../../inversion/training-pictures.ts";
import { insideRun } from "./inside-run.ts";
import type { RunState } from "./run-reader.ts";

export interface PictureFile {
  readonly bytes: Uint8Array;
  readonly type: "image/jpeg";
}

/** Widths and heights that may be asked for, so that a request cannot fill the memory. */
const sizes = [160, 320, 640, 2048];
const keptThumbnails = 600;

export interface Pictures {
  /** The picture `id` of a run, at most `size` pixels wide and high; nothing when there is none. */
  get(
    run: { readonly dir: string; readonly state: RunState },
    id: string,
    size: number,
  ): Promise<PictureFile | undefined>;
}

async function pathOf(dir: string, state: RunState, id: string): Promise<string | undefined> {
  const training = /^training-(\d{1,5})$/.exec(id);
  if (training !== null) return (await readTrainingPictures(dir))[Number(training[1])]?.path;
  const validation = /^(\d{1,9})-(\d{1,5}-\d{1,5})$/.exec(id);
  return validation === null
    ? undefined
    : state.validations[validation[1]]?.pictures[validation[2]]?.path;
}

export function newPictures(): Pictures {
  const kept = new Map<string, Uint8Array>();

  return {
    async get({ dir, state }, id, size) {
      const path = await pathOf(dir, state, id);
      const file = path === undefined ? undefined : await insideRun(dir, path);
      if (file === undefined) return undefined;
      const side = sizes.find((each) => each >= size) ?? sizes[sizes.length - 1];
      const key = `${file} ${side}`;
      let bytes = kept.get(key);
      if (bytes === undefined) {
        bytes = await sharp(file, { limitInputPixels: 1e8 }).rotate()
          .resize(side, side, { fit: "inside", withoutEnlargement: true })
          .jpeg({ quality: side > 640 ? 92 : 82 }).toBuffer().catch(() => undefined);
        if (bytes === undefined) return undefined;
      }
      kept.delete(key);
      kept.set(key, bytes);
      if (kept.size > keptThumbnails) kept.delete(kept.keys().next().value as string);
      return { bytes, type: "image/jpeg" };
    },
  };
}
