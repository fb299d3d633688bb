// The tensors of AutoencoderKL, encoder and decoder. The trap: the decoder walks the widths from the
// last to the first and has one resnet more per level than the encoder.
import type { VaeConfig } from "../networks/config.ts";
import { resnetShapes, type Shapes, withBias } from "./layer-shapes.ts";

function midShapes(name: string, width: number, attention: boolean): Shapes {
  const shapes = resnetShapes(`${name}.resnets.0`, width, width, null);
  if (attention) {
    shapes.push(...withBias(`${name}.attentions.0.group_norm`, [width]));
    for (const part of ["to_q", "to_k", "to_v", "to_out.0"]) {
      shapes.push(...withBias(`${name}.attentions.0.${part}`, [width, width]));
    }
  }
  return [...shapes, ...resnetShapes(`${name}.resnets.1`, width, width, null)];
}

/** Shapes by canonical name; see required-tensors.ts. */
export function vaeTensors(config: VaeConfig): Shapes {
  const { block_out_channels: widths, layers_per_block: layers, latent_channels: latent } = config;
  const last = widths[widths.length - 1];

  const encoder = withBias("encoder.conv_in", [widths[0], config.in_channels, 3, 3]);
  let width = widths[0];
  for (const [level, out] of widths.entries()) {
    const block = `encoder.down_blocks.${level}`;
    for (let i = 0; i < layers; i++, width = out) {
      encoder.push(...resnetShapes(`${block}.resnets.${i}`, width, out, null));
    }
    if (level < widths.length - 1) {
      encoder.push(...withBias(`${block}.downsamplers.0.conv`, [out, out, 3, 3]));
    }
  }
  encoder.push(...midShapes("encoder.mid_block", last, config.mid_block_add_attention));
  encoder.push(...withBias("encoder.conv_norm_out", [last]));
  encoder.push(...withBias("encoder.conv_out", [2 * latent, last, 3, 3]));

  const decoder = withBias("decoder.conv_in", [last, latent, 3, 3]);
  decoder.push(...midShapes("decoder.mid_block", last, config.mid_block_add_attention));
  for (const [index, out] of [...widths].reverse().entries()) {
    const block = `decoder.up_blocks.${index}`;
    for (let i = 0; i <= layers; i++, width = out) {
      decoder.push(...resnetShapes(`${block}.resnets.${i}`, width, out, null));
    }
    if (index < widths.length - 1) {
      decoder.push(...withBias(`${block}.upsamplers.0.conv`, [out, out, 3, 3]));
    }
  }
  decoder.push(...withBias("decoder.conv_norm_out", [widths[0]]));
  decoder.push(...withBias("decoder.conv_out", [config.out_channels, widths[0], 3, 3]));

  return [
    ...encoder,
    ...decoder,
    ...(config.use_quant_conv ? withBias("quant_conv", [2 * latent, 2 * latent, 1, 1]) : []),
    ...(config.use_post_quant_conv ? withBias("post_quant_conv", [latent, latent, 1, 1]) : []),
  ];
}
