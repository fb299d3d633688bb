import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../../runtime/testing/temporary-folder.ts";
import { listJsonl } from "./jsonl.ts";

const columns = { image_column: "image", caption_column: "text" };

/** A dataset `set/data.jsonl` with the pictures a.jpg, b.jpg, m.png beside it, secret.jpg outside. */
const listing = (lines: readonly (string | object)[], withMasks = true, names = columns) =>
  withTemporaryFolder((outer) => {
    const folder = join(outer, "set");
    mkdirSync(folder);
    for (const name of ["a.jpg", "b.jpg", "m.png", "../secret.jpg"]) {
      writeFileSync(join(folder, name), "");
    }
    symlinkSync("../secret.jpg", join(folder, "link.jpg"));
    symlinkSync("a.jpg", join(folder, "inner-link.jpg"));
    const file = join(folder, "data.jsonl");
    writeFileSync(
      file,
      lines.map((line) => typeof line === "string" ? line : JSON.stringify(line)).join("\n"),
    );
    return listJsonl(file, names, withMasks);
  });

test("rows in the file's order, with captions and masks", async () => {
  const rows = [
    { image: "b.jpg", text: "two", mask: "m.png" },
    "",
    { image: "./a.jpg", text: "one", mask: null, more: 1 },
    { image: "inner-link.jpg", text: "" },
  ];
  const { sources, faults, files } = await listing(rows);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    sources.map(({ name, caption, mask }) => [name, caption, mask === null]),
    [["b.jpg", "two", false], ["a.jpg", "one", true], ["inner-link.jpg", "", true]],
  );
  assert.deepEqual(files.map((file) => file.slice(-5)), ["b.jpg", "m.png", "a.jpg", "k.jpg"]);
  const unmasked = await listing(rows, false);
  assert.equal(unmasked.sources[0].mask, null);
});

test("other columns", async () => {
  const names = { image_column: "file", caption_column: "words" };
  const { sources } = await listing([{ file: "a.jpg", words: "w" }], true, names);
  assert.equal(sources[0].caption, "w");
});

test("all that is wrong is said at once, each with its line", async () => {
  const { faults, sources } = await listing([
    "{",
    "[1]",
    { image: "a.jpg" },
    { image: 3, text: "" },
    { image: "a.jpg", text: "", mask: 1 },
    { image: "gone.jpg", text: "" },
    { image: "../secret.jpg", text: "" },
    { image: "/etc/passwd", text: "" },
    { image: "link.jpg", text: "" },
    { image: "a.jpg", text: "", mask: "../../x.png" },
    { image: "a.jpg", text: "fine" },
  ]);
  assert.deepEqual(sources, []);
  const found = faults.map(({ line, found }) => `${line}: ${found}`).sort((a, b) =>
    parseInt(a) - parseInt(b)
  );
  assert.deepEqual(found, [
    "1: {",
    "2: [1]",
    "3: the columns image",
    "4: 3",
    "5: 1",
    "6: no such file",
    "7: ../secret.jpg",
    "8: /etc/passwd",
    "9: link.jpg",
    "10: ../../x.png",
  ]);
});

test("a picture named twice counts twice, under two ids, with a warning", async () => {
  const rows = [{ image: "a.jpg", text: "one" }, { image: "a.jpg", text: "two" }];
  const { sources, warnings, files } = await listing(rows);
  assert.deepEqual(sources.map(({ name }) => name), ["a.jpg", "a.jpg#2"]);
  assert.match(warnings.join(), /a\.jpg 2 times/);
  assert.equal(files.length, 1);
});

test("no file, a folder, no lines", async () => {
  assert.match((await listing([])).faults[0].found, /none/);
  await withTemporaryFolder(async (folder) => {
    const found = async (path: string) => (await listJsonl(path, columns, true)).faults[0].found;
    assert.equal(await found(join(folder, "x.jsonl")), "no such file");
    assert.equal(await found(folder), "a folder");
  });
});

test("a JSON array where lines are wanted is one finding", async () => {
  const { faults } = await listing(["[", ' {"image": "a.jpg", "text": "a"},', " 1", "]"]);
  assert.deepEqual(faults.map(({ line, found }) => [line, found]), [[1, "a JSON array"]]);
});

test("a column that a line has twice is refused: JSON's readers take the last in silence", async () => {
  const { faults } = await listing([
    { image: "a.jpg", text: "one" },
    '{"image": "a.jpg", "text": "one", "\\u0074ext": "two"}',
  ]);
  assert.deepEqual(faults.map(({ line, found }) => [line, found]), [[2, "text again"]]);
});

test("masks that are named and not used are said", async () => {
  const rows = [{ image: "a.jpg", text: "", mask: "m.png" }, { image: "b.jpg", text: "" }];
  assert.deepEqual((await listing(rows)).warnings, []);
  assert.match(
    (await listing(rows, false)).warnings.join(),
    /^1 of 2 pictures have a mask, and use_masks/,
  );
});

test("pictures elsewhere, where the list is trusted: their folder is in no name", async () => {
  const trusted = { ...columns, allow_outside_paths: true };
  const rows = [
    { image: "../secret.jpg", text: "one" },
    { image: "link.jpg", text: "two" },
    { image: "gone.jpg", text: "" },
  ];
  assert.deepEqual((await listing(rows, true, trusted)).faults.map(({ line }) => line), [3]);
  const { sources } = await listing(rows.slice(0, 2), true, trusted);
  assert.deepEqual(sources.map(({ name }) => name), ["secret.jpg", "link.jpg"]);
  const [fault] = (await listing(rows)).faults;
  assert.match(fault.fix, /data_loader\.dataset\.allow_outside_paths/);
});

test("a path that only looks the same, or was written on Windows, means the file that is there", () =>
  withTemporaryFolder(async (folder) => {
    const [composed, apart] = ["caf\u00e9", "cafe\u0301"];
    mkdirSync(join(folder, composed));
    writeFileSync(join(folder, composed, "a.jpg"), "");
    const file = join(folder, "data.jsonl");
    const found = async (image: string) => {
      writeFileSync(file, JSON.stringify({ image, text: "" }));
      const { sources, faults } = await listJsonl(file, columns, false);
      return [...sources.map(({ name }) => name), ...faults.map(({ found }) => found)];
    };
    for (const image of [`${composed}/a.jpg`, `${composed}\\a.jpg`]) {
      assert.deepEqual(await found(image), [`${composed}/a.jpg`]);
    }
    const [name] = await found(`${apart}/a.jpg`);
    assert.equal(name.normalize(), `${composed}/a.jpg`);
    assert.deepEqual(await found("caf/a.jpg"), ["no such file"]);
    assert.match((await found("..\\a.jpg")).join(), /no such file|\.\.[\\/]a\.jpg/);
  }));
