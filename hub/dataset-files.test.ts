import assert from "node:assert/strict";
import { test } from "node:test";
import { datasetFiles } from "./dataset-files.ts";
import { HubContentFault } from "./hub-fault.ts";

const id = "org/gnomes";

test("which files: pictures and their metadata, of the split train if there is one", () => {
  assert.deepEqual(
    datasetFiles(id, ["metadata.jsonl", "a.png", "README.md", "more/b.JPG", "more/metadata.csv"]),
    {
      metadata: ["metadata.jsonl", "more/metadata.csv"],
      pictures: ["a.png", "more/b.JPG"],
      tables: [],
    },
  );
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
    tables: [],
  });
  const shared = ["train/1.png", "metadata.csv"];
  assert.deepEqual(datasetFiles(id, shared), {
    metadata: ["metadata.csv"],
    pictures: ["train/1.png"],
    tables: [],
  });
});

test("archives, no captions, no pictures: refused with what to do", () => {
  const cases: [string[], RegExp][] = [
    [["images.zip", "metadata.jsonl"], /images\.zip\. Unpack it once.*IMAGE_CAPTION_JSONL_DATASET/],
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

test("Parquet tables: the split train, or what belongs to no other split", () => {
  const tables = (paths: string[], config?: string) => datasetFiles(id, paths, config).tables;
  assert.deepEqual(
    tables(["data/test-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"]),
    ["data/train-00000-of-00001.parquet"],
  );
  assert.deepEqual(tables(["default/train/0000.parquet", "default/validation/0000.parquet"]), [
    "default/train/0000.parquet",
  ]);
  assert.deepEqual(tables(["b.parquet", "a.parquet", "valid.parquet"]), ["a.parquet", "b.parquet"]);
  assert.deepEqual(tables(["cats/train.parquet", "dogs/train.parquet"], "dogs"), [
    "dogs/train.parquet",
  ]);
  assert.throws(() => tables(["cats/train.parquet"], "birds"), /dataset_config_name/);
});
