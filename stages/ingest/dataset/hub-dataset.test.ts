import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { withTemporaryFolder } from "../../../runtime/testing/temporary-folder.ts";
import { parseCsv } from "./csv.ts";
import { listHubDataset } from "./hub-dataset.ts";
import type { HubDatasetOptions } from "./listing.ts";

/** A dataset in a local folder, listed without a network. */
const listing = (
  files: Readonly<Record<string, string | Uint8Array>>,
  options: Partial<HubDatasetOptions> = {},
) =>
  withTemporaryFolder((folder) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return listHubDataset({
      type: "HF_HUB_IMAGE_CAPTION_DATASET",
      dataset_name: folder,
      dataset_config_name: null,
      hf_cache_dir: null,
      image_column: "image",
      caption_column: "text",
      ...options,
    }, { offline: true });
  });

test("an image folder: metadata beside pictures, jsonl and csv, in natural order", async () => {
  const { sources, faults, warnings } = await listing({
    "metadata.jsonl": '{"file_name":"10.png","text":"ten"}\n{"file_name":"2.png","text":"two"}\n',
    "10.png": "",
    "2.png": "",
    "more/metadata.csv": 'text,file_name\n"a ""big"", red\ngnome",3.png\n',
    "more/3.png": "",
    "more/4.png": "",
  });
  assert.deepEqual(faults, []);
  assert.deepEqual(
    sources.map(({ name, caption }) => [name, caption]),
    [["2.png", "two"], ["10.png", "ten"], ["more/3.png", 'a "big", red\ngnome']],
  );
  assert.match(warnings.join(), /1 pictures .* more\/4\.png/);
});

test("other columns, and one configuration of several", async () => {
  const files = {
    "cats/metadata.jsonl": '{"photo_file_name":"1.png","words":"cat"}',
    "cats/1.png": "",
    "dogs/metadata.jsonl": '{"photo_file_name":"1.png","words":"dog"}',
    "dogs/1.png": "",
  };
  const columns = { image_column: "photo", caption_column: "words" };
  const { sources } = await listing(files, { ...columns, dataset_config_name: "dogs" });
  assert.deepEqual(sources.map(({ caption }) => caption), ["dog"]);
  await assert.rejects(listing(files, { dataset_config_name: "birds" }), {
    fix: /dataset_config_name/,
  });
});

test("metadata that does not fit its pictures: every line is named", async () => {
  const { faults } = await listing({
    "a/metadata.jsonl": [
      '{"file_name":"1.png","text":"one"}',
      '{"file_name":"../secret.png","text":""}',
      '{"file_name":"1.png","text":"again"}',
      '{"file_name":"1.png"}',
      "nonsense",
      '{"file_name":"2.png","text":"one","text":"two"}',
    ].join("\n"),
    "a/1.png": "",
    "a/2.png": "",
  });
  assert.deepEqual(faults.map(({ line, found }) => [line, found]), [
    [2, "../secret.png"],
    [3, "a/1.png again"],
    [4, "the columns file_name"],
    [5, "the columns of no JSON object"],
    [6, "text again"],
  ]);
});

test("what is written as CSV is read as it was", () => {
  const field = fc.string({ unit: fc.constantFrom(...'ab,"\n \r') });
  const row = fc.array(field, { minLength: 2, maxLength: 2 });
  fc.assert(fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
    const text = rows.map((fields) =>
      fields.map((value) => `"${value.replaceAll('"', '""')}"`).join(",") + "\r\n"
    ).join("");
    const lines = (value: string) => value.split("\n").length - 1;
    let line = 1;
    const expected = rows.map((fields) => {
      const at = line;
      line += 1 + fields.reduce((sum, value) => sum + lines(value), 0);
      return { line: at, fields };
    }).filter(({ fields }) => fields.join("") !== "");
    assert.deepEqual(parseCsv(text), { rows: expected, findings: [] });
  }));
});

test("CSV that would cut captions off is refused, each line by its number", async () => {
  const found = async (text: string, more: Readonly<Record<string, string>> = {}) => {
    const files = { "metadata.csv": text, "0.jpg": "", "1.jpg": "", ...more };
    const { faults } = await listing(files);
    return faults.map(({ line, found }) => `${line}: ${found}`);
  };
  const head = "file_name,text\n";
  assert.deepEqual(await found(`${head}0.jpg,a gnome, with a beard, smiling\n1.jpg,b\n`), [
    '2: 4 fields, the last " smiling"',
  ]);
  assert.deepEqual(await found(`${head}0.jpg,"a gnome, red\n1.jpg,b, c\n`), [
    "2: a quote that does not enclose its field",
    '3: 3 fields, the last " c"',
  ]);
  assert.deepEqual(await found(`${head}0.jpg,"red" gnome\n1.jpg,b\n`), [
    "2: a quote that does not enclose its field",
  ]);
  assert.deepEqual(await found("file_name,text,text\n0.jpg,a,b\n"), ["1: text again"]);
  assert.deepEqual(await found("file_name;text\n0.jpg;a\n"), ["1: a heading with semicolons"]);
  assert.deepEqual(await found(`${head}0.jpg,12" tall\n`), []);
  const nothing = "a file that names no picture";
  assert.deepEqual(await found(""), [`undefined: ${nothing}`]);
  assert.deepEqual(await found(head), [`undefined: ${nothing}`]);
  assert.match((await found("file_name,text\r0.jpg,a\r")).join(), /^1: .*names no picture/);
  const jsonl = { "more/metadata.jsonl": '[{"file_name": "0.jpg", "text": "a"}]' };
  assert.deepEqual(await found(`${head}0.jpg,a\n`, jsonl), ["1: a JSON array"]);
});

const table = new URL("./parquet/fixtures/snappy.parquet", import.meta.url);
const hub = (dataset_name: string, more: Partial<HubDatasetOptions> = {}): HubDatasetOptions => ({
  type: "HF_HUB_IMAGE_CAPTION_DATASET",
  dataset_name,
  dataset_config_name: null,
  hf_cache_dir: null,
  image_column: "image",
  caption_column: "text",
  ...more,
});

test("Parquet tables: rows in order, each with its caption and its picture's bytes", () =>
  withTemporaryFolder(async (folder) => {
    for (const part of [2, 10]) copyFileSync(table, join(folder, `train-${part}.parquet`));
    const { sources, files } = await listHubDataset(hub(folder), { offline: true });
    assert.equal(files.length, 2);
    assert.equal(sources.length, 14);
    assert.deepEqual(sources.slice(5, 8).map(({ name, caption }) => [name, caption]), [
      ["train-2.parquet#5", "a gnome, red"],
      ["train-2.parquet#6", "x".repeat(70)],
      ["train-10.parquet#0", "a gnome"],
    ]);
    const pictures = await Promise.all(
      sources.slice(0, 7).map(async ({ read }) => await sharp(await read()).metadata()),
    );
    assert.deepEqual(pictures.map(({ width }) => width), [8, 9, 10, 11, 12, 13, 14]);
  }));

test("captions of tables that are not UTF-8 are refused with file and line", async () => {
  const cp1252 = Uint8Array.from(
    Buffer.from("file_name,text\n0.jpg,ok\n1.jpg,caf\xe9\n", "latin1"),
  );
  const { faults } = await listing({ "metadata.csv": cp1252, "0.jpg": "", "1.jpg": "" });
  assert.deepEqual(faults.map(({ line, wanted }) => [line, wanted.slice(0, 13)]), [
    [3, "text in UTF-8"],
  ]);
});

test("Parquet tables without the columns asked for", () =>
  withTemporaryFolder(async (folder) => {
    copyFileSync(table, join(folder, "train.parquet"));
    const { faults } = await listHubDataset(hub(folder, { caption_column: "words" }), {
      offline: true,
    });
    assert.match(
      faults[0].message,
      /image and words, found image\.bytes, image\.path, text, label/,
    );
  }));
