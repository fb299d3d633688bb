import assert from "node:assert/strict";
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AbsentDataset, downloadDataset, locateDataset } from "./dataset.ts";
import { hubTools } from "./hub-client.ts";
import { NotInCache } from "./hub-fault.ts";
import { hubSettings } from "./hub-settings.ts";
import { fakeHub } from "./testing/fake-hub.ts";

const id = "org/gnomes";
const files = {
  "README.md": "",
  ".gitattributes": "",
  "metadata.jsonl": `{"file_name":"a.png","text":"a gnome"}\n`,
  "a.png": "A",
  "more/b.JPG": "B",
  "more/metadata.csv": "file_name,text\nb.JPG,another\n",
};

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
    // Tests run in the project's folder.
    await assert.rejects(
      downloadDataset("sample_data/tiny-bruc", options),
      /or a file or folder .*no such path, and on the hub.*there is tiny-bruce/,
    );
    const { mistyped } = await locateDataset("sample_data/tiny-bruc", {
      settings,
    }) as AbsentDataset;
    assert.match(mistyped!, /sample_data is a folder here too, without tiny-bruc\. .*tiny-bruce$/);
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
    const { note, ...kept } = await downloadDataset(id, options);
    assert.deepEqual(kept, dataset);
    assert.match(
      note!,
      /^The hub could not be asked \(no connection to .*: commit \w+ of org\/gnomes/,
    );

    const local = join(cacheDir, "local");
    await mkdir(local);
    await writeFile(join(local, "x.webp"), "");
    await writeFile(join(local, "metadata.csv"), "");
    assert.deepEqual(await downloadDataset(local, { ...options, offline: true }), {
      path: local,
      metadata: ["metadata.csv"],
      pictures: ["x.webp"],
      tables: [],
    });
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true });
  }
});
