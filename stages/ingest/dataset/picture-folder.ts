// IMAGE_DIR_DATASET: the pictures of one folder, by name. IMAGE_CAPTION_DIR_DATASET: the same, each
// with a text file of the same name. Neither looks into subfolders. What is not used is said, once.
// The trap: dot files are no pictures, though a Mac's copy leaves a `._001.jpg` beside each `001.jpg`.
import { basename, extname, join } from "node:path";
import { errnoOf, isAbsent } from "../../../lib/disk-fault.ts";
import { whyUnreadable } from "../../../lib/file-fault.ts";
import { firstFew } from "../../../lib/first-few.js";
import { kindOf, readNames } from "../../../lib/plain-files.ts";
import { byName } from "../natural-order.ts";
import { pictureEndings } from "../picture-header.ts";
import { DatasetFault, type Listing, pictureFile, refused, type Source } from "./listing.ts";
import { byLook, meantBy } from "./same-name.ts";
import { mostCaptionBytes, readText } from "./text-file.ts";

/** Pictures without captions. */
export async function listPictureFolder(folder: string): Promise<Listing> {
  const found = await entriesOf(folder);
  if (found instanceof DatasetFault) return refused(found);
  const { names } = found;
  const pictures = names.filter(isPicture);
  if (pictures.length === 0) return refused(noPictures(folder, names));
  const sources = pictures.map((name) => source(folder, name, null));
  const stems = new Set(pictures.map(stem));
  const captions = names.filter((name) => isText(name) && stems.has(stem(name)));
  const warnings = [
    ...(captions.length === 0 ? [] : [
      `Captions that are not used, as IMAGE_DIR_DATASET has none: ${firstFew(captions)}. ` +
      "IMAGE_CAPTION_DIR_DATASET with keep_original_captions uses them.",
    ]),
    ...unused(folder, found, (name) => captions.includes(name)),
  ];
  return { sources, files: sources.map(({ file }) => file), warnings, faults: [] };
}

/** Pictures with captions from `.txt` files, white space at both ends removed. */
export async function listCaptionedFolder(folder: string): Promise<Listing> {
  const found = await entriesOf(folder);
  if (found instanceof DatasetFault) return refused(found);
  const { names } = found;
  const pictures = names.filter(isPicture);
  if (pictures.length === 0) return refused(noPictures(folder, names));
  const byStem = Map.groupBy(pictures, stem);
  const captionOf = captionsIn(names.filter(isText), [...byStem.keys()]);
  const shared = [...byStem].filter(([, pictures]) => pictures.length > 1);
  const without = [...byStem.keys()].filter((stem) => !captionOf.has(stem));
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
        found: `none of ${firstFew(without.map((stem) => `${stem}.txt`))}`,
        fix: "Write them, or use IMAGE_DIR_DATASET, which needs no captions.",
      }),
    ]),
  ];
  const captioned = await Promise.all(
    pictures.filter((name) => captionOf.has(stem(name))).map(async (name) => {
      const text = await captionIn(join(folder, captionOf.get(stem(name))!));
      return text instanceof DatasetFault ? text : source(folder, name, text.trim());
    }),
  );
  faults.push(...captioned.filter((each) => each instanceof DatasetFault));
  if (faults.length > 0) return refused(...faults);
  const sources = captioned as readonly Source[];
  const used = new Set(captionOf.values());
  const alone = names.filter((name) => isText(name) && !used.has(name));
  return {
    sources,
    files: sources.map(({ file }) => file),
    warnings: [
      ...(alone.length === 0 ? [] : [
        `${firstFew(alone.map((text) => join(folder, text)))} ` +
        `${
          alone.length === 1
            ? "has no picture beside it and is"
            : "have no picture beside them and are"
        } ` +
        "not used: restore the picture or delete the caption.",
      ]),
      ...unused(folder, found, isText),
    ],
    faults: [],
  };
}

/** The caption file of each picture's name, as far as there is one. */
const captionsIn = (texts: readonly string[], stems: readonly string[]) => {
  const byStem = Map.groupBy(texts, stem);
  const known = byLook(byStem.keys());
  return new Map(
    stems.flatMap((wanted) => {
      const all = byStem.get(meantBy(wanted, known) ?? "") ?? [];
      const text = all.length === 1 ? all[0] : all.find((name) => name === `${wanted}.txt`);
      return text === undefined ? [] : [[wanted, text] as const];
    }),
  );
};

const captionIn = (file: string): Promise<string | DatasetFault> =>
  readText(file, mostCaptionBytes).catch((cause) => {
    if (cause instanceof DatasetFault) return cause;
    throw cause;
  });

interface Entries {
  /** File names, without dot files, in natural order. */
  readonly names: readonly string[];
  readonly folders: readonly string[];
  /** Pipes, devices and the like, which cannot be read as a picture is. */
  readonly specials: readonly string[];
}

async function entriesOf(folder: string): Promise<Entries | DatasetFault> {
  try {
    const names = (await readNames(folder)).filter((name) => !name.startsWith(".")).sort(byName);
    const kinds = await Promise.all(names.map((name) => kindOf(join(folder, name))));
    const foreign = names.filter((name, i) =>
      kinds[i] === null && isPicture(name) && name.includes("\ufffd")
    );
    return foreign.length > 0 ? misnamed(folder, foreign) : {
      names: names.filter((_, i) => kinds[i] === "file" || kinds[i] === null),
      folders: names.filter((_, i) => kinds[i] === "folder"),
      specials: names.filter((_, i) => kinds[i] === "other"),
    };
  } catch (cause) {
    return new DatasetFault({
      key: "data_loader.dataset.dataset_dir",
      file: folder,
      wanted: "a folder with pictures",
      found: isAbsent(cause)
        ? errnoOf(cause) === "ENOENT" ? "no such folder" : "a file"
        : whyUnreadable(cause),
      fix:
        "Correct the path or its rights; a relative one starts at the folder the command is given in.",
      cause,
    });
  }
}

const misnamed = (folder: string, names: readonly string[]): DatasetFault =>
  new DatasetFault({
    key: "data_loader.dataset.dataset_dir",
    file: folder,
    wanted: "file names in UTF-8",
    found: firstFew(names),
    fix: "Rename these files; they came from a system with another encoding.",
  });

/** What Windows keeps in folders of pictures, and tables that list the same pictures for other kinds. */
const expectedFiles: readonly string[] = [
  ...["desktop.ini", "thumbs.db"],
  ...["data.jsonl", "metadata.jsonl", "metadata.csv"],
];

/** One line about everything in the folder that is neither a picture nor `used`. */
function unused(
  folder: string,
  { names, folders, specials }: Entries,
  used: (name: string) => boolean,
): readonly string[] {
  const masks = names.filter(isMaskOfOneTrainer);
  const others = names.filter((name) =>
    !isPicture(name) && !isMaskOfOneTrainer(name) && !used(name) &&
    !expectedFiles.includes(name.toLowerCase())
  );
  const all = [
    ...others,
    ...folders.map((name) => `${name}/`),
    ...specials.map((name) => `${name} (no file)`),
  ];
  return [
    ...(all.length === 0 ? [] : [
      `Not used of ${folder}: ${
        firstFew(all)
      }. Pictures are files of the folder itself that end in ` +
      `${[...pictureEndings].join(", ")}.`,
    ]),
    ...(masks.length === 0 ? [] : [
      `Taken for masks, of which this kind of dataset has none: ${firstFew(masks)}. ` +
      "IMAGE_CAPTION_JSONL_DATASET names a mask in each line.",
    ]),
  ];
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
  pictureEndings.has(extname(name).slice(1).toLowerCase()) && !isMaskOfOneTrainer(name);

/** OneTrainer keeps the mask of `a.jpg` beside it, as `a-masklabel.png`. */
const isMaskOfOneTrainer = (name: string): boolean => name.toLowerCase().endsWith("-masklabel.png");

const isText = (name: string): boolean => extname(name).toLowerCase() === ".txt";

const stem = (name: string): string => basename(name, extname(name));
