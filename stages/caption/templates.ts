// Captions from templates: a preset or one's own, filled with the placeholder, in place of a picture's
// caption or in front of it. As the reference: prefix, a blank, the picture's own words.
// The trap: a preset's repeated templates count as often as they stand there.
import { captionTemplates } from "../../config/caption-templates.ts";
import type { DataLoader } from "../../config/data.ts";

export type CaptionOptions = Pick<
  DataLoader,
  "caption_preset" | "caption_templates" | "keep_original_captions"
>;

/** The templates with the placeholder in every `{}`. One of preset and templates is set. */
export const filledTemplates = (
  { caption_preset, caption_templates }: CaptionOptions,
  placeholder: string,
): readonly string[] =>
  (caption_templates ?? captionTemplates[caption_preset!])
    .map((template) => template.replaceAll("{}", () => placeholder));

/** All captions of a picture. `own` is its caption, if it has one. */
export const captionsFor = (
  prefixes: readonly string[],
  own: string | null,
  { keep_original_captions }: CaptionOptions,
): readonly string[] =>
  keep_original_captions && hasWords(own) ? prefixes.map((prefix) => `${prefix} ${own}`) : prefixes;

/**
 * What a picture of the fixed loss is measured with: one of a data set of its own (`apart`) with its own
 * words, one of the training pictures with its first caption.
 */
export function measuredCaption(
  own: string | null,
  options: CaptionOptions & {
    readonly placeholder_token: string;
    readonly initializer_token: string | null;
    readonly fixed_loss_word: string | null;
  },
  apart: boolean,
): string {
  const { placeholder_token: placeholder, initializer_token: begun, fixed_loss_word } = options;
  const prefixes = filledTemplates(options, placeholder);
  if (!apart) return captionsFor(prefixes, own, options)[0];
  const word = fixed_loss_word ?? (begun === "auto" ? null : begun);
  return withPlaceholder(hasWords(own) ? own : prefixes[0], word, placeholder);
}

export const hasWords = (caption: string | null): caption is string =>
  caption !== null && caption.trim() !== "";

/** Every whole word `word` as the placeholder, unless the placeholder is there already. */
export function withPlaceholder(caption: string, word: string | null, placeholder: string): string {
  if (word === null || caption.includes(placeholder)) return caption;
  const literal = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const whole = new RegExp(`(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])`, "giu");
  return caption.replace(whole, () => placeholder);
}
