// caption: the captions that each picture may be shown with. For training from templates, with or
// without the picture's own words; for the fixed-input loss the held-out pictures' own captions.
// The trap: a picture without words of its own gets the bare template even when words are kept.
import { Effect, Schema } from "effect";
import { dataLoaderFields } from "../../config/data.ts";
import { embeddingFields } from "../../config/embedding.ts";
import { fixedLossFields } from "../../config/fixed-loss.ts";
import { insideWord } from "../../config/inside-word.ts";
import { type Captions, captions } from "../../inversion/artefacts/captions.ts";
import { examples } from "../../inversion/artefacts/examples.ts";
import { firstFew } from "../../lib/first-few.js";
import { defineStage } from "../../runtime/stage.ts";
import { captionsFor, filledTemplates, hasWords, measuredCaption } from "./templates.ts";

export const CaptionStageOptions = Schema.Struct({
  placeholder_token: embeddingFields.placeholder_token,
  initializer_token: embeddingFields.initializer_token,
  fixed_loss_word: fixedLossFields.fixed_loss_word,
  fixed_loss_holdout: fixedLossFields.fixed_loss_holdout,
  data_loader: Schema.Struct({
    caption_preset: dataLoaderFields.caption_preset,
    caption_templates: dataLoaderFields.caption_templates,
    keep_original_captions: dataLoaderFields.keep_original_captions,
    shuffle_caption_delimiter: dataLoaderFields.shuffle_caption_delimiter,
  }),
});
export type CaptionStageOptions = typeof CaptionStageOptions.Type;

export const caption = defineStage({
  name: "caption",
  version: 1,
  summary: "Chooses the captions that each picture may be shown with",
  options: CaptionStageOptions,
  reads: { examples },
  writes: { captions },
  lifetime: "cached",

  run: ({ options, inputs, tools }) =>
    Effect.gen(function* () {
      const { data_loader: loader, placeholder_token: placeholder } = options;
      const { train, heldOut } = inputs.examples;
      const prefixes = filledTemplates(loader, placeholder);
      const wordless = train.filter(({ caption }) => !hasWords(caption));
      if (loader.keep_original_captions && wordless.length > 0) {
        yield* tools.emit({
          event: "warning",
          text: `keep_original_captions is set, and there is no caption for ${
            wordless.map(({ id }) => id).join(", ")
          }: only the templates are used.`,
        });
      }
      const given = train.filter(({ caption }) => hasWords(caption)).length;
      if (!loader.keep_original_captions && given > 0) {
        yield* tools.emit({
          event: "warning",
          text: `${given} of ${train.length} pictures have a caption of their own, which is not ` +
            "used: keep_original_captions is false, so the templates stand in its place.",
        });
      }
      const named = train.filter(({ caption }) => caption?.includes(placeholder));
      if (loader.keep_original_captions && named.length > 0) {
        const [{ id, caption }] = named;
        yield* tools.emit({
          event: "warning",
          text: `${named.length} of ${train.length} pictures have ${placeholder} in their own ` +
            "caption, and get it once more with the template in front: " +
            `"${captionsFor(prefixes, caption, loader)[0]}" (${id}). Take it out of the captions.`,
        });
      }
      // Of the templates it is said before anything runs (config/config-notes.ts).
      const own = [...(loader.keep_original_captions ? train : []), ...heldOut];
      const hidden = own.filter(({ caption }) => insideWord(caption ?? "", placeholder));
      if (hidden.length > 0) {
        const shown = firstFew(hidden.map(({ caption }) => JSON.stringify(caption)), 3);
        yield* tools.emit({
          event: "warning",
          text: `${placeholder} is also found inside other words of captions, as in ${shown}. ` +
            "Take a placeholder that is in no other word.",
        });
      }
      const captioned = train.map(({ id, caption }) => ({
        id,
        captions: captionsFor(prefixes, caption, loader),
      }));
      const delimiter = loader.shuffle_caption_delimiter;
      const all = captioned.flatMap(({ captions }) => captions);
      if (delimiter !== null && !all.some((caption) => caption.includes(delimiter))) {
        const text =
          `shuffle_caption_delimiter: no caption holds ${JSON.stringify(delimiter)}, so ` +
          "nothing is shuffled.";
        yield* tools.emit({ event: "warning", text });
      }
      // Pictures of one's own that are set aside are called as those that are trained on.
      const apart = options.fixed_loss_holdout === 0;
      const measured = (caption: string | null) =>
        measuredCaption(caption, { ...options, ...loader }, apart);
      return {
        captions: {
          placeholder,
          shuffle_delimiter: delimiter,
          train: captioned,
          heldOut: heldOut.map(({ id, caption }) => ({ id, captions: [measured(caption)] })),
        } satisfies Captions,
      };
    }),
});

export default caption;
