// Stages of one's own: the variant in pipelines/ and the README's file outside the project, which has
// nothing installed beside it. One that writes what the next stage cannot read does not start.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filled, wordsOf } from "../../pipelines/caption-from-file-names.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { filesBelow, gnomic, refusalOf, root } from "./project.ts";

const picture = (name: string) => join(root, "sample_data/tiny-bruce/train", name);

/** Everything that a run put into the store, as text. */
const stored = (output: string): string => {
  const store = join(output, ".gnomic-store");
  return filesBelow(store).map((path) => readFileSync(join(store, path), "utf8")).join("\n");
};

test("file names become words; what cameras write does not", () => {
  assert.equal(wordsOf("red-hat_at the beach.jpg"), "red hat at the beach");
  assert.equal(wordsOf("2024/IMG_2041.JPG"), "");
  assert.equal(wordsOf("bänk.v2.webp"), "bänk");
  const template = "a photo of {}, {words}";
  assert.equal(filled(template, "$&", "in $1 snow"), "a photo of $&, in $1 snow");
  assert.equal(filled(template, "gnome", ""), "a photo of gnome");
  assert.equal(filled("{words}: {}", "gnome", ""), ": gnome");
});

test("the variant in pipelines/ captions pictures by their files' names", () =>
  withTemporaryFolder(async (folder) => {
    const pictures = join(folder, "pictures");
    mkdirSync(pictures);
    cpSync(picture("001.jpg"), join(pictures, "IMG_0001.jpg"));
    cpSync(picture("003.jpg"), join(pictures, "on-a-lawn_in-summer.jpg"));
    const output = join(folder, "output");
    const settings = [`data_loader.dataset.dataset_dir=${pictures}`, "data_loader.resolution=64"];
    const { code, stdout, stderr } = await gnomic([
      ...["pipeline", "sdxl-ti-file-names", "--until", "tokenise", "--output", output],
      ...settings.flatMap((setting) => ["--set", setting]),
    ]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stored(output), /"a photo of bruce_the_gnome, on a lawn in summer"/);
    assert.match(stored(output), /"a photo of bruce_the_gnome"/);
  }));

const readme = readFileSync(join(root, "README.md"), "utf8");
const block = (language: string, name: string): string =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))]
    .map(([, code]) => code).find((code) => code.includes(name))!;

/** The README's stage and pipeline in a folder, the stage changed. */
function example(folder: string, from: string, to: string): string {
  const stage = block("ts", "my-gnome/caption.ts");
  assert.ok(stage.includes(from));
  writeFileSync(join(folder, "caption.ts"), stage.replaceAll(from, () => to));
  writeFileSync(join(folder, "pipeline.yaml"), block("yaml", "my-gnome/pipeline.yaml"));
  return join(folder, "pipeline.yaml");
}

test("a stage outside the project writes captions, and its options come from the file", () =>
  withTemporaryFolder(async (folder) => {
    const file = example(folder, "caption-by-hand", "another-name");
    const output = join(folder, "output");
    const words = ["pipeline", file, "--until", "tokenise", "--output", output];
    const { code, stdout, stderr } = await gnomic(words);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stored(output), /"a photo of bruce_the_gnome on a lawn"/);
    assert.match(stored(output), /"a photo of bruce_the_gnome"/);
  }));

const wrongTypes = {
  "another type of field": [
    "Schema.Struct({ ...artefacts.captions.schema.fields, placeholder: Schema.Boolean })",
    /captions\.placeholder as string .* of tokenise, found boolean from caption\.captions/,
  ],
  "a field deep inside": [
    `Schema.Struct({
      ...artefacts.captions.schema.fields,
      train: Schema.Array(Schema.Struct({ id: Schema.String, captions: Schema.String })),
    })`,
    /captions\.train\[\]\.captions as array .* of tokenise, found string from caption\.captions/,
  ],
  "a field left out": [
    "Schema.Struct({ placeholder: Schema.String })",
    /captions\.\w+ as .* of tokenise, found nothing from caption\.captions/,
  ],
} as const;

for (const [what, [schema, message]] of Object.entries(wrongTypes)) {
  test(`${what}: refused before anything runs, naming both stages and the field`, () =>
    withTemporaryFolder(async (folder) => {
      const to = `({ kind: "value", name: "captions", schema: ${schema} })`;
      const file = example(folder, "captions: artefacts.captions", `captions: ${to}`);
      const output = join(folder, "output");
      const said = await refusalOf(["pipeline", file, "--output", output]);
      assert.match(said, message);
      assert.match(said, /in caption-by-hand or in tokenise/);
      assert.ok(!existsSync(output));
    }));
}
