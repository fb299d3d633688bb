// Tokens and latents come by two ways, and belong together by their places.
// The trap: a stage of somebody's own that leaves a picture out, or sorts them, would pair each picture
// with another one's captions, and the training would look as if all were well.
import type { Latents } from "../../inversion/artefacts/latents.ts";
import type { TokenIds } from "../../inversion/artefacts/token-ids.ts";
import { fault } from "../../lib/fault.ts";

export class OtherPictures extends fault("OtherPictures", "user") {}

type Pictures = readonly { readonly id: string }[];

/** Throws OtherPictures. */
export function checkSamePictures(latents: Latents, tokens: TokenIds): void {
  check("train", latents.train, tokens.train);
  check("heldOut", latents.heldOut, tokens.heldOut);
}

function check(part: string, pictures: Pictures, captioned: Pictures): void {
  const at = pictures.findIndex(({ id }, i) => id !== captioned[i]?.id);
  if (at < 0 && captioned.length === pictures.length) return;
  const place = at < 0 ? pictures.length : at;
  throw new OtherPictures({
    key: `${part}.${place}`,
    wanted: `captions of ${pictures[place]?.id ?? "no further picture"}, as in the latents`,
    found: captioned[place] === undefined ? "none" : `those of ${captioned[place].id}`,
    fix: "Let the stage that captions keep all pictures, in the order of its examples.",
  });
}
