// How large pictures become: as asked for, else as the embedding was trained, else as the model was.
// The trap: height comes first, as in configurations.
import { latentSize, LatentSizeFault } from "../../engine/sample/latent-size.ts";
import type { Model } from "../../engine/weights/model.ts";
import { GenerateFault } from "./request.ts";

export type Size = readonly [height: number, width: number];

const ownSize = ({ configs: { unet, vae } }: Model): Size => {
  const side = unet.sample_size * 2 ** (vae.block_out_channels.length - 1);
  return [side, side];
};

/** In pixels. Throws GenerateFault where the model cannot make it. */
export function pictureSize(asked: Size | null, trained: Size | null, model: Model): Size {
  const size = asked ?? trained ?? ownSize(model);
  try {
    latentSize(model.configs.vae, ...size);
    return size;
  } catch (cause) {
    if (!(cause instanceof LatentSizeFault)) throw cause;
    const { wanted, found, fix } = cause;
    throw new GenerateFault({ key: "--size", wanted, found, fix, cause });
  }
}
