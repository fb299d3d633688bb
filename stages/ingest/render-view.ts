// Makes a planned view's pixels out of a decoded picture or mask: resize, cut, mirror.
// The trap: a mask of another size than its picture is resized straight to the picture's resized
// size, so both stay on top of each other whatever the crop.
import { type Pixels, resample } from "./resample.ts";
import type { PlannedView } from "./views.ts";

/** 8-bit pixels [height, width, channels] of the view. */
export function renderView(picture: Pixels, view: PlannedView): Uint8Array {
  const [height, width] = view.size;
  const [top, left] = view.cut;
  const [resizedHeight, resizedWidth] = view.resized;
  const cut = resample(
    picture,
    { height: resizedHeight, width: resizedWidth },
    { top, left, height, width },
  );
  return view.flipped ? mirror(cut) : cut.data;
}

function mirror({ width, height, channels, data }: Pixels): Uint8Array {
  const mirrored = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      const to = (y * width + width - 1 - x) * channels;
      for (let c = 0; c < channels; c++) mirrored[to + c] = data[from + c];
    }
  }
  return mirrored;
}
