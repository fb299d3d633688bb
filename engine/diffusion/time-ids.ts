// SDXL's size conditioning: what the picture was before it was cut, where it was cut, and how large
// the training picture is, as six numbers in diffusers' order (height before width, top before left).
// The trap: the target is the size trained at, so with aspect buckets the bucket's, not `resolution`.

/** Pixels, [height, width] or [top, left]. */
export type HeightWidth = readonly [number, number];

export interface SizeConditioning {
  readonly originalSize: HeightWidth;
  readonly cropTopLeft: HeightWidth;
  readonly targetSize: HeightWidth;
}

/** One row of `add_time_ids`, [6]. */
export const timeIds = ({ originalSize, cropTopLeft, targetSize }: SizeConditioning): number[] => [
  ...originalSize,
  ...cropTopLeft,
  ...targetSize,
];
