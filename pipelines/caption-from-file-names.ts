// caption-from-file-names: captions from what the picture files are called, in place of the stage
// `caption`: red-hat_at-the-beach.jpg and the template "a photo of {}, {words}" make "a photo of gnome,
// red hat at the beach". A custom stage as a stranger writes it: it imports nothing but types.
// The trap: what a camera calls its files (IMG_2041.jpg) says nothing, so such parts are left out.
import type { Gnomic } from "../inversion/toolkit.ts";

/** `"red-hat_at-the-beach.jpg"` to `"red hat at the beach"`; `"IMG_2041.jpg"` to `""`. */
export const wordsOf = (file: string): string =>
  file.replace(/^.*[\\/]|\.[^.]*$/g, "")
    .split(/[^\p{L}\p{M}\p{N}']+/u)
    .filter((part) => part !== "" && !/\p{N}|^(img|dsc|pxl|mvimg)$/iu.test(part))
    .join(" ");

/** Without words the template ends before them, and before the comma in front of them. */
export const filled = (template: string, placeholder: string, words: string): string =>
  template.replaceAll("{}", () => placeholder)
    .replaceAll(/([\s,;:-]*)\{words\}/g, (_, before) => words === "" ? "" : before + words);

export default ({ Effect, Schema, defineStage, artefacts }: Gnomic) =>
  defineStage({
    name: "caption-from-file-names",
    version: 1,
    summary: "Makes captions of the picture files' names",
    options: Schema.Struct({
      placeholder_token: Schema.String,
      data_loader: Schema.Struct({ caption_templates: Schema.Array(Schema.String) }),
    }),
    reads: { examples: artefacts.examples },
    writes: { captions: artefacts.captions },
    lifetime: "cached",

    run: ({ options, inputs }) => {
      const { placeholder_token: placeholder, data_loader: { caption_templates } } = options;
      const captioned = ({ id }: { readonly id: string }) => ({
        id,
        captions: caption_templates.map((template) => filled(template, placeholder, wordsOf(id))),
      });
      const { train, heldOut } = inputs.examples;
      return Effect.succeed({
        captions: {
          placeholder,
          shuffle_delimiter: null,
          train: train.map(captioned),
          heldOut: heldOut.map(captioned),
        },
      });
    },
  });
