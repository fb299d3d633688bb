import assert from "node:assert/strict";
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { datasetFiles, downloadDataset, locateDataset } from "./dataset.ts";
import { fakeHub } from "./fake-hub.ts";
import { hubTools } from "./hub-client.ts";
import { HubContentFault, NotInCache } from "./hub-fault.ts";
import { hubSettings } from "./hub-settings.ts";

const id = "org/gnomes";
const files = {
  "README.md": "",
  ".gitattributes": "",
  "metadata.jsonl": `{"file_name":"a.png","text":"a gnome"}\n`,
  "a.png": "A",
  "more/b.JPG": "B",
  "more/metadata.csv": "file_name,text\nb.JPG,another\n",
};

test("which files: pictures and their metadata, of the split train if there is one", () => {
  assert.deepEqual(datasetFiles(id, Object.keys(files)), {
    metadata: ["metadata.jsonl", "more/metadata.csv"],
    pictures: ["a.png", "more/b.JPG"],
  });
  const split = [
    "train/1.png",
    "train/metadata.jsonl",
    "test/2.png",
    "test/metadata.jsonl",
    "banner.png",
  ];
  assert.deepEqual(datasetFiles(id, split), {
    metadata: ["train/metadata.jsonl"],
    pictures: ["train/1.png"],
  });
  const shared = ["train/1.png", "metadata.csv"];
  assert.deepEqual(datasetFiles(id, shared), {
    metadata: ["metadata.csv"],
    pictures: ["train/1.png"],
  });
});

test("parquet, archives, no captions, no pictures: refused with what to do", () => {
  const cases: [string[], RegExp][] = [
    [
      ["data/train-00000-of-00001.parquet"],
      /parquet\. Unpack it once.*IMAGE_CAPTION_JSONL_DATASET/,
    ],
    [["images.zip", "metadata.jsonl"], /images\.zip/],
    [["a.png"], /1 pictures without metadata/],
    [["README.md"], /no pictures/],
  ];
  for (const [paths, message] of cases) {
    assert.throws(
      () => datasetFiles(id, paths),
      (fault) => fault instanceof HubContentFault && message.test(fault.message),
    );
  }
});

test("downloaded once, found offline; a local folder is taken as it is", async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "gnomic-hub-"));
  const server = await fakeHub({ [id]: { type: "dataset", files } });
  const settings = hubSettings({
    HF_HUB_CACHE: cacheDir,
    HF_HOME: cacheDir,
    HF_ENDPOINT: server.endpoint,
  });
  const options = { settings, tools: { ...hubTools, sleep: () => Promise.resolve() } };
  try {
    assert.deepEqual(await locateDataset(id, { settings }), {
      id,
      revision: "main",
      notDownloaded: true,
    });
    await assert.rejects(downloadDataset(id, { ...options, offline: true }), NotInCache);
    const dataset = await downloadDataset(id, options);
    const commit = server.commitOf(id);
    assert.equal(dataset.path, join(cacheDir, "datasets--org--gnomes", "snapshots", commit));
    for (const file of [...dataset.metadata, ...dataset.pictures]) {
      await access(join(dataset.path, file));
    }
    assert.deepEqual([...server.served].sort(), [...dataset.metadata, ...dataset.pictures].sort());
    assert.deepEqual(await locateDataset(id, { settings }), dataset);
    assert.deepEqual(
      await downloadDataset(`https://huggingface.co/datasets/${id}`, options),
      dataset,
    );
    assert.equal(server.served.length, 4);
    await server.close();
    assert.deepEqual(await downloadDataset(id, options), dataset);

    const local = join(cacheDir, "local");
    await mkdir(local);
    await writeFile(join(local, "x.webp"), "");
    await writeFile(join(local, "metadata.csv"), "");
    assert.deepEqual(await downloadDataset(local, { ...options, offline: true }), {
      path: local,
      metadata: ["metadata.csv"],
      pictures: ["x.webp"],
    });
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true });
  }
});
