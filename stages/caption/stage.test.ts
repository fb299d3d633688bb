import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect, Schema } from "effect";
import { Captions } from "../../inversion/artefacts/captions.ts";
import type { Example } from "../../inversion/artefacts/examples.ts";
import { memoryTools } from "../../runtime/testing/memory-tools.ts";
import { caption, CaptionStageOptions } from "./stage.ts";

const example = (id: string, caption: string | null): Example => ({
  id,
  caption,
  digest: "",
  original_size: [8, 8],
  views: [],
});

async function run(loader: object, more: object = {}, own = "in the snow, at night") {
  const options = Schema.decodeUnknownSync(CaptionStageOptions)({
    placeholder_token: "thing",
    initializer_token: "gnome",
    ...more,
    data_loader: loader,
  });
  const examples = {
    train: [example("1.jpg", own), example("2.jpg", null)],
    heldOut: [example("h1.jpg", "a gnome in a room"), example("h2.jpg", null)],
  };
  const tools = memoryTools();
  const { captions } = await Effect.runPromise(
    caption.run({ options, inputs: { examples }, writers: {}, tools }),
  );
  assert.deepEqual(
    Schema.decodeUnknownSync(Captions)(JSON.parse(JSON.stringify(captions))),
    captions,
  );
  const isUnused = (text: string) => text.includes("which is not used");
  const { true: unused = [], false: warnings = [] } = Object.groupBy(
    tools.warnings(),
    (text) => `${isUnused(text)}`,
  );
  return { captions, warnings, unused };
}

test("templates alone", async () => {
  const { captions, warnings } = await run({ caption_templates: ["a {}", "the {}"] });
  assert.deepEqual(captions, {
    placeholder: "thing",
    shuffle_delimiter: null,
    train: [
      { id: "1.jpg", captions: ["a thing", "the thing"] },
      { id: "2.jpg", captions: ["a thing", "the thing"] },
    ],
    heldOut: [
      { id: "h1.jpg", captions: ["a thing in a room"] },
      { id: "h2.jpg", captions: ["a thing"] },
    ],
  });
  assert.deepEqual(warnings, []);
});

test("templates before the pictures' own words, shuffled; the wordless are named", async () => {
  const { captions, warnings } = await run({
    caption_templates: ["a {}"],
    keep_original_captions: true,
    shuffle_caption_delimiter: ",",
  });
  assert.deepEqual(captions.train[0].captions, ["a thing in the snow, at night"]);
  assert.deepEqual(captions.train[1].captions, ["a thing"]);
  assert.equal(captions.shuffle_delimiter, ",");
  assert.match(warnings.join(), /no caption for 2\.jpg/);
  assert.equal(warnings.length, 1);
});

test("a delimiter that stands in no caption shuffles nothing, which is said", async () => {
  const { warnings } = await run({ caption_preset: "object", shuffle_caption_delimiter: "," });
  assert.match(warnings.join(), /no caption holds ",", so nothing is shuffled/);
});

test("fixed_loss_word comes before the initializer", async () => {
  const { captions } = await run({ caption_preset: "style" }, { fixed_loss_word: "room" });
  assert.deepEqual(captions.heldOut[0].captions, ["a gnome in a thing"]);
});

test("pictures set aside of the training's own are called as those that are trained on", async () => {
  const { captions } = await run(
    { caption_templates: ["a {}", "the {}"], keep_original_captions: true },
    { fixed_loss_holdout: 2 },
  );
  assert.deepEqual(captions.heldOut.map(({ captions }) => captions), [
    ["a thing a gnome in a room"],
    ["a thing"],
  ]);
});

test("captions that are given and not used are said", async () => {
  const { unused } = await run({ caption_templates: ["a {}"] });
  assert.match(unused.join(), /^1 of 2 pictures have a caption of their own, which is not used/);
  assert.deepEqual(
    (await run({ caption_templates: ["a {}"], keep_original_captions: true })).unused,
    [],
  );
});

test("a placeholder that is in the captions already is said once, where a template comes before it", async () => {
  const keep = { caption_templates: ["a {}", "the {}"], keep_original_captions: true };
  const { captions, warnings } = await run(keep, {}, "a thing on a lawn");
  assert.deepEqual(captions.train[0].captions, [
    "a thing a thing on a lawn",
    "the thing a thing on a lawn",
  ]);
  const said = warnings.filter((text) => !text.includes("no caption for"));
  assert.equal(said.length, 1);
  assert.match(
    said[0],
    /^1 of 2 pictures have thing in .*: "a thing a thing on a lawn" \(1\.jpg\)/,
  );
  const alone = { ...keep, keep_original_captions: false };
  assert.deepEqual((await run(alone, {}, "a thing on a lawn")).warnings, []);
});

test("the placeholder inside other words of captions is said, in those that are used", async () => {
  const kept = { caption_templates: ["a photothing {}"], keep_original_captions: true };
  const { warnings } = await run(kept, {}, "two things");
  assert.match(
    warnings.join(),
    /thing is also found inside other words of captions, as in "two things"\./,
  );
  const { warnings: none } = await run(
    { ...kept, keep_original_captions: false },
    {},
    "two things",
  );
  assert.deepEqual(none, [], "of the templates the configuration's note tells");
});
