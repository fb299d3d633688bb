import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { withTemporaryFolder } from "../../../runtime/testing/temporary-folder.ts";
import { listCaptionedFolder, listPictureFolder } from "./picture-folder.ts";

/** A folder with these files; a name that ends in a slash is a folder. */
const withFiles = <A>(
  files: Readonly<Record<string, string>>,
  body: (folder: string) => Promise<A>,
): Promise<A> =>
  withTemporaryFolder((folder) => {
    for (const [name, text] of Object.entries(files)) {
      if (name.endsWith("/")) mkdirSync(join(folder, name));
      else writeFileSync(join(folder, name), text);
    }
    return body(folder);
  });

test("the pictures of the folder itself, in natural order, and nothing else", async () => {
  const files = {
    "10.jpg": "",
    "2.PNG": "",
    "a.heic": "",
    "b.tiff": "",
    "._2.png": "",
    "notes.txt": "",
    "clip.mp4": "",
    "inner/": "",
    "inner/3.jpg": "",
    "folder.jpg/": "",
    "c.jfif": "",
    "d.JPE": "",
    "e.bmp": "",
    "b-masklabel.png": "",
    "b.txt": "",
    "Thumbs.db": "",
    "data.jsonl": "",
    "metadata.jsonl": "",
    "metadata.csv": "",
    "other.jsonl": "",
  };
  await withFiles(files, async (folder) => {
    const { sources, faults, files, warnings } = await listPictureFolder(folder);
    assert.deepEqual(faults, []);
    assert.deepEqual(sources.map(({ name }) => name), [
      ...["2.PNG", "10.jpg", "a.heic", "b.tiff", "c.jfif", "d.JPE"],
    ]);
    assert.deepEqual(files, sources.map(({ name }) => join(folder, name)));
    assert.equal(warnings.length, 3);
    assert.match(
      warnings[0],
      /^Captions that are not used, as IMAGE_DIR_DATASET has none: b\.txt\. /,
    );
    assert.match(
      warnings[1],
      /: clip\.mp4, e\.bmp, notes\.txt, other\.jsonl, folder\.jpg\/ and 1 more\. /,
    );
    assert.match(warnings[2], /^Taken for masks, .*: b-masklabel\.png\. /);
  });
});

test(
  "what is no file is not waited for, and said",
  { skip: process.platform === "win32" },
  () =>
    withFiles({ "1.jpg": "" }, async (folder) => {
      execFileSync("mkfifo", [join(folder, "2.jpg")]);
      symlinkSync("/dev/zero", join(folder, "3.jpg"));
      const { sources, warnings } = await listPictureFolder(folder);
      assert.deepEqual(sources.map(({ name }) => name), ["1.jpg"]);
      assert.match(warnings.join(), /: 2\.jpg \(no file\), 3\.jpg \(no file\)\. /);
    }),
);

test("no folder, a file, an empty folder, no pictures: each says what to change", async () => {
  await withFiles({ "a.txt": "", "inner/": "" }, async (folder) => {
    const found = async (path: string) => {
      const { faults: [fault] } = await listPictureFolder(path);
      assert.equal(fault.key, "data_loader.dataset.dataset_dir");
      return fault.found;
    };
    assert.equal(await found(join(folder, "none")), "no such folder");
    assert.equal(await found(join(folder, "a.txt")), "a file");
    assert.equal(await found(join(folder, "inner")), "no files");
    assert.equal(await found(folder), "only a.txt");
  });
});

test("captions are the text files' words, without a mark of order and white space around", async () => {
  const files = { "1.jpg": "", "1.txt": "\ufeff a gnome, é \r\n", "2.jpg": "", "2.txt": "" };
  await withFiles(files, async (folder) => {
    const { sources, warnings } = await listCaptionedFolder(folder);
    assert.deepEqual(sources.map(({ caption }) => caption), ["a gnome, é", ""]);
    assert.deepEqual(warnings, []);
  });
});

test("captions in another encoding are named, all of them, and more than five are counted", async () => {
  const files = { "1.jpg": "", "1.txt": "ok", "2.jpg": "", "3.jpg": "" };
  await withFiles(files, async (folder) => {
    for (const name of ["2.txt", "3.txt"]) {
      writeFileSync(join(folder, name), Uint8Array.of(99, 0xe9));
    }
    const { faults, sources } = await listCaptionedFolder(folder);
    assert.equal(sources.length, 0);
    assert.deepEqual(faults.map(({ file }) => file), [
      join(folder, "2.txt"),
      join(folder, "3.txt"),
    ]);
  });
  const many = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${i}.txt`, ""]));
  await withFiles({ "a.jpg": "", "a.txt": "", ...many }, async (folder) => {
    const { warnings } = await listCaptionedFolder(folder);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /4\.txt and 3 more have no picture beside them/);
  });
});

test("a caption without its picture is a warning; a picture without its caption is a fault", async () => {
  await withFiles({ "1.jpg": "", "1.txt": "a", "2.txt": "b" }, async (folder) => {
    const { faults, warnings } = await listCaptionedFolder(folder);
    assert.deepEqual(faults, []);
    assert.match(warnings.join(), /2\.txt has no picture beside it/);
  });
  await withFiles({ "1.jpg": "", "2.jpg": "", "3.jpg": "", "3.txt": "" }, async (folder) => {
    const { faults } = await listCaptionedFolder(folder);
    assert.match(faults[0].found, /1\.txt, 2\.txt$/);
    assert.equal(faults.length, 1);
  });
});

test("two pictures of one name are a fault: which of them has the caption?", async () => {
  await withFiles({ "1.jpg": "", "1.png": "", "1.txt": "a", "2.jpg": "" }, async (folder) => {
    const { faults } = await listCaptionedFolder(folder);
    assert.equal(faults.length, 2);
    assert.match(faults[0].message, /one picture for the caption 1\.txt, found 1\.jpg and 1\.png/);
    assert.match(faults[1].message, /2\.txt/);
  });
});

test("a caption is found by what its name looks like, and by .TXT", async () => {
  const [composed, apart] = ["caf\u00e9", "cafe\u0301"];
  const files = { [`${composed}.jpg`]: "", [`${apart}.txt`]: "a", "B.JPG": "", "B.TXT": "b" };
  await withFiles(files, async (folder) => {
    const { sources, faults, warnings } = await listCaptionedFolder(folder);
    assert.deepEqual([faults, warnings], [[], []]);
    assert.deepEqual(sources.map(({ name, caption }) => [name, caption]), [
      ["B.JPG", "b"],
      [`${composed}.jpg`, "a"],
    ]);
  });
  // Where a system keeps both apart, each has its own.
  const twins = {
    ...{ [`${composed}.jpg`]: "", [`${composed}.txt`]: "one", "1.jpg": "", "1.txt": "first" },
    ...{ [`${apart}.jpg`]: "", [`${apart}.txt`]: "two" },
  };
  await withFiles(twins, async (folder) => {
    const { sources, warnings } = await listCaptionedFolder(folder);
    if (sources.length === 3) {
      assert.deepEqual(sources.map(({ caption }) => caption), ["first", "two", "one"]);
    }
    assert.deepEqual(warnings, []);
  });
});

test("a picture whose name is in another encoding is named as that", {
  skip: process.platform === "linux" ? false : "only Linux has such names",
}, () =>
  withFiles({ "a.jpg": "" }, async (folder) => {
    // By a shell: no runtime writes such a name.
    execFileSync("sh", ["-c", 'touch "$1/$(printf "caf\\351.jpg")"', "sh", folder]);
    const { faults: [fault] } = await listPictureFolder(folder);
    assert.match(fault.message, /wanted file names in UTF-8, found caf\ufffd\.jpg/);
  }));

test("a link in a circle is no picture, and a folder that may not be read is no folder that is not there", () =>
  withFiles({ "a.jpg": "" }, async (folder) => {
    symlinkSync("round.jpg", join(folder, "round.jpg"));
    const { files } = await listPictureFolder(folder);
    assert.deepEqual(files.map((file) => basename(file)), ["a.jpg", "round.jpg"]);
    const { faults: [fault] } = await listPictureFolder(join(folder, "round.jpg", "in"));
    assert.equal(fault.found, "symbolic links in a circle");
  }));
