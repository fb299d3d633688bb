// The tensors of the layers that networks are made of: names below a prefix, and shapes. The trap: a
// resnet has a shortcut only where its widths differ, so `in` and `out` must be exact.

/** Canonical name and shape, in the order of a network's modules. */
export type Shapes = (readonly [name: string, shape: readonly number[]])[];

/** `weight` of the given shape and `bias` of its first side: linear, convolution or normalisation. */
export const withBias = (name: string, shape: readonly number[]): Shapes => [
  [`${name}.weight`, shape],
  [`${name}.bias`, [shape[0]]],
];

/** ResnetBlock2D; `time` is the width of the time embedding, null in a VAE. */
export const resnetShapes = (
  name: string,
  from: number,
  to: number,
  time: number | null,
): Shapes => [
  ...withBias(`${name}.norm1`, [from]),
  ...withBias(`${name}.conv1`, [to, from, 3, 3]),
  ...(time === null ? [] : withBias(`${name}.time_emb_proj`, [to, time])),
  ...withBias(`${name}.norm2`, [to]),
  ...withBias(`${name}.conv2`, [to, to, 3, 3]),
  ...(from === to ? [] : withBias(`${name}.conv_shortcut`, [to, from, 1, 1])),
];
