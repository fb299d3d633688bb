// Every caption once, as parts with their ids for both text encoders, and which picture has which.
import type { CaptionTokenizer } from "../../engine/text/caption-tokenizer.ts";
import { captionParts, type Captions } from "../../inversion/artefacts/captions.ts";
import type { CaptionPart, TokenIds } from "../../inversion/artefacts/token-ids.ts";

export function captionTable(
  captions: Captions,
  tokenizers: readonly [CaptionTokenizer, CaptionTokenizer],
): Pick<TokenIds, "captions" | "train" | "heldOut"> {
  const places = new Map<string, number>();
  const table: CaptionPart[][] = [];
  const idsOf = (text: string) => [tokenizers[0].idsOf(text), tokenizers[1].idsOf(text)] as const;
  const placeOf = (caption: string, delimiter: string | null) => {
    const key = JSON.stringify([caption, delimiter]);
    const known = places.get(key);
    if (known !== undefined) return known;
    const parts = captionParts(caption, delimiter);
    places.set(key, table.length);
    return table.push(parts.map((text) => ({
      text,
      ids: idsOf(text),
      followed: parts.length === 1 ? null : idsOf(`${text}${delimiter}`),
    }))) - 1;
  };
  const placed = (examples: Captions["train"], delimiter: string | null) =>
    examples.map(({ id, captions }) => ({
      id,
      captions: captions.map((caption) => placeOf(caption, delimiter)),
    }));
  const train = placed(captions.train, captions.shuffle_delimiter);
  const heldOut = placed(captions.heldOut, null);
  return { captions: table, train, heldOut };
}
