// Pixels from the VAE as a picture file: -1..1 to 8 bits, as diffusers rounds them. The same pixels always
// give the same bytes, and nothing but pixels is in the file.
import sharp, { type Sharp } from "sharp";
import type { Tensor } from "../../engine/device/messages.ts";

function picture({ data, dims }: Tensor): Sharp {
  const [, , height, width] = dims;
  const area = height * width;
  const rgb = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      const unit = Math.min(1, Math.max(0, data[c * area + i] / 2 + 0.5));
      rgb[3 * i + c] = Math.round(unit * 255);
    }
  }
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

/** `pixels` [1, 3, H, W]. */
export const jpeg = (pixels: Tensor): Promise<Uint8Array> =>
  picture(pixels).jpeg({ quality: 92 }).toBuffer();

/** `pixels` [1, 3, H, W]; the picture without loss. */
export const png = (pixels: Tensor): Promise<Uint8Array> => picture(pixels).png().toBuffer();
