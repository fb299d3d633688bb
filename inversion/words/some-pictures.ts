// A few pictures of a folder for measuring words on, as ingest lists and decodes them.
// The trap: a few, since each is looked at again for every word; they stand evenly over all names.
import { mostPixels } from "../../config/data.ts";
import { tensor } from "../../engine/session/batch.ts";
import { fault } from "../../lib/fault.ts";
import type { Source } from "../../stages/ingest/dataset/listing.ts";
import { listPictureFolder } from "../../stages/ingest/dataset/picture-folder.ts";
import { decodePicture } from "../../stages/ingest/decode-picture.ts";
import { readPictureHeader } from "../../stages/ingest/picture-header.ts";
import { renderView } from "../../stages/ingest/render-view.ts";
import { planViews } from "../../stages/ingest/views.ts";
import { toPlanar } from "../artefacts/examples.ts";

export class PictureLossFault extends fault("PictureLossFault", "user") {}

/** More would make one value slow, and tell little more. */
const mostPictures = 8;

/** In the order of their names, evenly taken where there are many. Throws PictureLossFault. */
export async function someOf(folder: string): Promise<readonly Source[]> {
  const { sources, faults: [wrong] } = await listPictureFolder(folder);
  if (wrong !== undefined) {
    const { wanted, found } = wrong;
    const fix = "Name the folder of the pictures that you train with.";
    throw new PictureLossFault({ file: folder, wanted, found, fix });
  }
  const count = Math.min(mostPictures, sources.length);
  return Array.from({ length: count }, (_, i) => sources[Math.floor((i * sources.length) / count)]);
}

/** [1, 3, height, width] in -1..1: upright, the middle of it. Throws PictureFault. */
export async function pixelsOf({ file, read }: Source, size: readonly [number, number]) {
  const bytes = await read();
  const header = await readPictureHeader(bytes, file, { maxPixels: mostPixels, upright: true });
  const [middle] = planViews(header.size, "", 0, {
    resolution: size,
    aspect_ratio_buckets: null,
    center_crop: true,
    crops_per_image: 1,
    random_flip: false,
    crop_left_after_flip: "resized",
    time_ids_target_size: "bucket",
  });
  const data = renderView(await decodePicture(bytes, header, file), middle);
  return tensor(toPlanar(data), [1, 3, ...size]);
}
