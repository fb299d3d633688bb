// Every tensor that the four networks read, with its shape, from the configs alone: what a checkpoint
// must hold, whatever layout it is in. Names are canonical: those of diffusers and transformers.
// The trap: projections of a transformer are matrices here only if `use_linear_projection`; files may
// hold the other form ([C,C] or [C,C,1,1]), which is the same numbers.
import type { ClipTextConfig, ModelConfigs } from "../networks/config.ts";
import { type Shapes, withBias } from "./layer-shapes.ts";
import { unetTensors } from "./unet-tensors.ts";
import { vaeTensors } from "./vae-tensors.ts";

/** The networks of a model, as everywhere in the engine. */
export const networks = ["textEncoder", "textEncoder2", "unet", "vae"] as const;
export type Network = typeof networks[number];

/** Shapes by canonical name. */
export type RequiredTensors = ReadonlyMap<string, readonly number[]>;

/** CLIP's text model; the second encoder also projects its pooled state. */
function clipTensors(config: ClipTextConfig, projected: boolean): Shapes {
  const { hidden_size: width, intermediate_size: inner } = config;
  const shapes: Shapes = [
    ["text_model.embeddings.token_embedding.weight", [config.vocab_size, width]],
    ["text_model.embeddings.position_embedding.weight", [config.max_position_embeddings, width]],
  ];
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `text_model.encoder.layers.${i}`;
    for (const part of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      shapes.push(...withBias(`${layer}.self_attn.${part}`, [width, width]));
    }
    shapes.push(...withBias(`${layer}.layer_norm1`, [width]));
    shapes.push(...withBias(`${layer}.mlp.fc1`, [inner, width]));
    shapes.push(...withBias(`${layer}.mlp.fc2`, [width, inner]));
    shapes.push(...withBias(`${layer}.layer_norm2`, [width]));
  }
  shapes.push(...withBias("text_model.final_layer_norm", [width]));
  if (projected) shapes.push(["text_projection.weight", [config.projection_dim, width]]);
  return shapes;
}

export function requiredTensors(configs: ModelConfigs): Readonly<Record<Network, RequiredTensors>> {
  return {
    textEncoder: new Map(clipTensors(configs.textEncoder, false)),
    textEncoder2: new Map(clipTensors(configs.textEncoder2, true)),
    unet: new Map(unetTensors(configs.unet)),
    vae: new Map(vaeTensors(configs.vae)),
  };
}
