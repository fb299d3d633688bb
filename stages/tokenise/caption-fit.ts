// Whether captions can teach the placeholder anything: it must stand in them, and whole, before token 75.
// The trap: what is past that is cut without a word by CLIP, by the reference and by most clients.
import { type CaptionTokenizer, textLength } from "../../engine/text/caption-tokenizer.ts";
import type { Captions } from "../../inversion/artefacts/captions.ts";
import { type TokenIds, tokensOf } from "../../inversion/artefacts/token-ids.ts";
import { fault } from "../../lib/fault.ts";
import { firstFew } from "../../lib/first-few.js";

export class CaptionFault extends fault("CaptionFault", "user") {}

/** "whole": all vectors are in, whatever the order of the parts. */
type Fit = "whole" | "cut" | "missing";

/** For people. Throws a CaptionFault when no training picture can teach all of the vectors. */
export function captionWarnings(tokens: TokenIds): readonly string[] {
  const fits = tokens.captions.map((_, caption) => fitOf(tokens, caption));
  const used = (examples: TokenIds["train"], fit: Fit) =>
    [...new Set(examples.flatMap(({ captions }) => captions))]
      .filter((caption) => fits[caption] === fit);
  const { train, heldOut, placeholder } = tokens;
  const shown = (captions: readonly number[]) =>
    firstFew(captions.map((caption) => JSON.stringify(tokensOf(tokens, caption).text)), 3);
  const [cut, missing] = [used(train, "cut"), used(train, "missing")];
  if (used(train, "whole").length === 0) {
    throw new CaptionFault({
      wanted: `captions with all ${tokens.placeholderTokens.length} vectors of ${placeholder} ` +
        `within ${textLength} tokens`,
      found: shown([...cut, ...missing]),
      fix: cut.length > 0
        ? "Use fewer vectors (num_vectors) or shorter captions."
        : `Write ${placeholder} into the captions.`,
    });
  }
  const unmeasured = [...used(heldOut, "missing"), ...used(heldOut, "cut")];
  return [
    ...(missing.length === 0 ? [] : [
      `Nothing is learnt from captions without ${placeholder}: ${shown(missing)}.`,
    ]),
    ...(cut.length === 0 ? [] : [
      `Only ${textLength} tokens fit, so vectors of ${placeholder} may be cut off in ` +
      `${shown(cut)}. Use fewer vectors or shorter captions.`,
    ]),
    ...(unmeasured.length === 0 ? [] : [
      `The fixed-input loss does not see all of ${placeholder} in ${shown(unmeasured)}. ` +
      "Name the word that stands for it there as fixed_loss_word.",
    ]),
  ];
}

/** For people, about texts of which the end is cut off; null where all of them fit. */
export function longCaptions(
  captions: Captions,
  { overflowOf }: Pick<CaptionTokenizer, "overflowOf">,
): string | null {
  const texts = new Set([...captions.train, ...captions.heldOut].flatMap((each) => each.captions));
  const long = [...texts].map((text) => ({ text, over: overflowOf(text) }))
    .filter(({ over }) => over > 0);
  if (long.length === 0) return null;
  const shown = long.map(({ text, over }) =>
    `${JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)} (${over} too many)`
  );
  return `Only ${textLength} tokens fit, so the end is cut off of ${firstFew(shown, 3)}. ` +
    "Shorten the captions or the templates.";
}

function fitOf(tokens: TokenIds, caption: number): Fit {
  const parts = tokens.captions[caption];
  const mentions = parts.some(({ text, ids }) =>
    ids[0].includes(tokens.placeholderIds[0][0]) ||
    text.toLowerCase().includes(tokens.placeholder.toLowerCase())
  );
  if (!mentions) return "missing";
  // Any part may come last; then the others, each followed by a delimiter, are before it.
  const length = parts.reduce((sum, { ids, followed }) => sum + (followed ?? ids)[0].length, 0);
  const { ids1 } = tokensOf(tokens, caption);
  const whole = tokens.placeholderIds[0].every((id) => ids1.includes(id));
  return whole && (parts.length === 1 || length <= textLength) ? "whole" : "cut";
}
