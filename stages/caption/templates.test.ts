import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { captionsFor, filledTemplates, withPlaceholder } from "./templates.ts";

const reference: Record<"object" | "style", readonly string[]> = JSON.parse(
  readFileSync(new URL("../../tests/reference/caption_templates.json", import.meta.url), "utf8"),
);
const none = { caption_preset: null, caption_templates: null, keep_original_captions: false };

test("the presets are the reference's, in its order, with the placeholder filled in", () => {
  for (const caption_preset of ["object", "style"] as const) {
    const filled = filledTemplates({ ...none, caption_preset }, "$& gnome");
    assert.equal(filled.length > 15, true);
    assert.deepEqual(
      filled.map((text) => text.split("$& gnome").join("{}")),
      reference[caption_preset],
    );
  }
});

test("own templates; {} may stand more than once", () => {
  const options = { ...none, caption_templates: ["{} and {}", "the {}"] };
  assert.deepEqual(filledTemplates(options, "x"), ["x and x", "the x"]);
});

test("templates replace a picture's caption, or stand in front of it", () => {
  const prefixes = ["a photo of x", "the x"];
  const keep = { ...none, keep_original_captions: true };
  assert.deepEqual(captionsFor(prefixes, "in the snow", none), prefixes);
  assert.deepEqual(captionsFor(prefixes, "in the snow", keep), [
    "a photo of x in the snow",
    "the x in the snow",
  ]);
  assert.deepEqual(captionsFor(prefixes, null, keep), prefixes);
  assert.deepEqual(captionsFor(prefixes, " ", keep), prefixes);
});

test("a held-out caption's word becomes the placeholder: whole words, any case, not twice", () => {
  const replaced = (caption: string, word: string | null = "gnome") =>
    withPlaceholder(caption, word, "g$&");
  assert.equal(replaced("A Gnome, two gnomes and a gnome"), "A g$&, two gnomes and a g$&");
  assert.equal(replaced("a g$& beside a gnome"), "a g$& beside a gnome");
  assert.equal(replaced("a gnome", null), "a gnome");
  assert.equal(replaced("a c++ mug", "c++"), "a g$& mug");
  assert.equal(replaced("größe gnöme", "gn"), "größe gnöme");
});
