// The tensors of UNet2DConditionModel for any levels, layers and depths. Up blocks take the skips of the
// down blocks from the last to the first, which decides the width that each resnet's input has.
// The trap: an up block's first resnet gets the width of the block before it, not its own.
import type { UNetConfig } from "../networks/config.ts";
import { resnetShapes, type Shapes, withBias } from "./layer-shapes.ts";

function attentionShapes(name: string, width: number, context: number): Shapes {
  return [
    [`${name}.to_q.weight`, [width, width]],
    [`${name}.to_k.weight`, [width, context]],
    [`${name}.to_v.weight`, [width, context]],
    ...withBias(`${name}.to_out.0`, [width, width]),
  ];
}

/** Transformer2DModel with `depth` blocks. */
function transformerShapes(name: string, width: number, depth: number, config: UNetConfig): Shapes {
  const projection = config.use_linear_projection ? [width, width] : [width, width, 1, 1];
  const shapes = [
    ...withBias(`${name}.norm`, [width]),
    ...withBias(`${name}.proj_in`, projection),
    ...withBias(`${name}.proj_out`, projection),
  ];
  for (let i = 0; i < depth; i++) {
    const block = `${name}.transformer_blocks.${i}`;
    for (const norm of ["norm1", "norm2", "norm3"]) {
      shapes.push(...withBias(`${block}.${norm}`, [width]));
    }
    shapes.push(...attentionShapes(`${block}.attn1`, width, width));
    shapes.push(...attentionShapes(`${block}.attn2`, width, config.cross_attention_dim));
    shapes.push(...withBias(`${block}.ff.net.0.proj`, [8 * width, width]));
    shapes.push(...withBias(`${block}.ff.net.2`, [width, 4 * width]));
  }
  return shapes;
}

/** Shapes by canonical name; see required-tensors.ts. */
export function unetTensors(config: UNetConfig): Shapes {
  const { block_out_channels: widths, time_embedding_dim: time } = config;
  const levels = widths.length;
  const shapes: Shapes = [
    ...withBias("conv_in", [widths[0], config.in_channels, 3, 3]),
    ...withBias("time_embedding.linear_1", [time, widths[0]]),
    ...withBias("time_embedding.linear_2", [time, time]),
    ...withBias("add_embedding.linear_1", [time, config.projection_class_embeddings_input_dim]),
    ...withBias("add_embedding.linear_2", [time, time]),
  ];
  const skips = [widths[0]];
  let width = widths[0];
  for (const [level, out] of widths.entries()) {
    const block = `down_blocks.${level}`;
    for (let i = 0; i < config.layers_per_block[level]; i++) {
      shapes.push(...resnetShapes(`${block}.resnets.${i}`, width, out, time));
      const depth = config.transformer_layers_per_block[level][i];
      if (depth !== undefined) {
        shapes.push(...transformerShapes(`${block}.attentions.${i}`, out, depth, config));
      }
      width = out;
      skips.push(out);
    }
    if (level < levels - 1) {
      shapes.push(...withBias(`${block}.downsamplers.0.conv`, [out, out, 3, 3]));
      skips.push(out);
    }
  }
  if (config.mid_block_type !== null) {
    shapes.push(...resnetShapes("mid_block.resnets.0", width, width, time));
  }
  if (config.mid_block_type === "UNetMidBlock2DCrossAttn") {
    const depth = config.mid_transformer_layers;
    shapes.push(...transformerShapes("mid_block.attentions.0", width, depth, config));
    shapes.push(...resnetShapes("mid_block.resnets.1", width, width, time));
  }
  for (let index = 0; index < levels; index++) {
    const block = `up_blocks.${index}`;
    const level = levels - 1 - index;
    const out = widths[level];
    for (let i = 0; i <= config.layers_per_block[level]; i++) {
      const skip = skips.pop() ?? 0;
      shapes.push(...resnetShapes(`${block}.resnets.${i}`, width + skip, out, time));
      const depth = config.reverse_transformer_layers_per_block[index][i];
      if (depth !== undefined) {
        shapes.push(...transformerShapes(`${block}.attentions.${i}`, out, depth, config));
      }
      width = out;
    }
    if (level > 0) shapes.push(...withBias(`${block}.upsamplers.0.conv`, [out, out, 3, 3]));
  }
  shapes.push(...withBias("conv_norm_out", [widths[0]]));
  shapes.push(...withBias("conv_out", [config.out_channels, widths[0], 3, 3]));
  return shapes;
}
