// IMAGE_DIR_DATASET: the pictures of one folder, by name. IMAGE_CAPTION_DIR_DATASET: the same, each
// with a text file of the same name. Neither looks into subfolders.
// The trap: dot files are no pictures, though a Mac's copy leaves a `._001.jpg` beside each `001.jpg`.
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { byName } from "../natural-order.ts";
import { pictureEndings } from "../picture-header.ts";
import { DatasetFault, type Listing, pictureFile, refused, type Source } from "./listing.ts";

/** Pictures without captions. */
export async function listPictureFolder(folder: string): Promise<Listing> {
  const names = await namesIn(folder);
  if (names instanceof DatasetFault) return refused(names);
  const pictures = names.filter(isPicture);
  if (pictures.length === 0) return refused(noPictures(folder, names));
  const sources = pictures.map((name) => source(folder, name, null));
  return { sources, files: sources.map(({ file }) => file), warnings: [], faults: [] };
}

/** Pictures with captions from `.txt` files, white space at both ends removed. */
export async function listCaptionedFolder(folder: string): Promise<Listing> {
  const names = await namesIn(folder);
  if (names instanceof DatasetFault) return refused(names);
  const pictures = names.filter(isPicture);
  if (pictures.length === 0) return refused(noPictures(folder, names));
  const texts = new Set(names.filter((name) => extname(name) === ".txt"));
  const byStem = Map.groupBy(pictures, stem);
  const shared = [...byStem].filter(([, pictures]) => pictures.length > 1);
  const without = [...byStem.keys()].filter((stem) => !texts.has(`${stem}.txt`));
  const faults = [
    ...shared.map(([stem, pictures]) =>
      new DatasetFault({
        file: folder,
        wanted: `one picture for the caption ${stem}.txt`,
        found: pictures.join(" and "),
        fix: "Rename one of them, and give each its own caption.",
      })
    ),
    ...(without.length === 0 ? [] : [
      new DatasetFault({
        file: folder,
        wanted: "a caption file beside every picture",
        found: `none of ${without.map((stem) => `${stem}.txt`).join(", ")}`,
        fix: "Write them, or use IMAGE_DIR_DATASET, which needs no captions.",
      }),
    ]),
  ];
  if (faults.length > 0) return refused(...faults);
  const sources = await Promise.all(pictures.map(async (name) => {
    const text = await readFile(join(folder, `${stem(name)}.txt`), "utf8");
    return source(folder, name, text.replace(/^\ufeff/, "").trim());
  }));
  const alone = [...texts].filter((text) => !byStem.has(stem(text)));
  return {
    sources,
    files: sources.map(({ file }) => file),
    warnings: alone.map((text) =>
      `${join(folder, text)} has no picture beside it and is not used: ` +
      "restore the picture or delete the caption."
    ),
    faults: [],
  };
}

/** File names in `folder`, without subfolders and dot files, in natural order. */
async function namesIn(folder: string): Promise<readonly string[] | DatasetFault> {
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith("."));
    const files = await Promise.all(
      names.map(async (name) =>
        (await stat(join(folder, name)).catch(() => null))?.isFile() ?? true
      ),
    );
    return names.filter((_, i) => files[i]).sort(byName);
  } catch (cause) {
    return new DatasetFault({
      key: "data_loader.dataset.dataset_dir",
      file: folder,
      wanted: "a folder with pictures",
      found: (cause as NodeJS.ErrnoException).code === "ENOTDIR" ? "a file" : "no such folder",
      fix: "Correct the path; a relative one starts at the folder the command is given in.",
      cause,
    });
  }
}

const noPictures = (folder: string, others: readonly string[]): DatasetFault =>
  new DatasetFault({
    key: "data_loader.dataset.dataset_dir",
    file: folder,
    wanted: `at least one picture (${[...pictureEndings].join(", ")})`,
    found: others.length === 0 ? "no files" : `only ${others.slice(0, 5).join(", ")}`,
    fix: "Put pictures into this folder itself; subfolders are not searched.",
  });

const source = (folder: string, name: string, caption: string | null): Source => ({
  ...pictureFile(join(folder, name)),
  name,
  caption,
  mask: null,
});

const isPicture = (name: string): boolean =>
  pictureEndings.has(extname(name).slice(1).toLowerCase());

const stem = (name: string): string => basename(name, extname(name));
