// Where the canonical tensors are in a single file of the original release: generative-models' names for
// the UNet and the VAE, open_clip's for the second text encoder. Pure functions from canonical names.
// The trap: open_clip's `text_projection` is stored [in, out], while `text_projection.weight` is
// [out, in]; usually both are square, so only the name tells.
import type { UNetConfig } from "../networks/config.ts";

/** A tensor of the file, or one third of its rows (open_clip fuses q, k, v), or its transpose. */
export interface Origin {
  readonly name: string;
  readonly third?: 0 | 1 | 2;
  readonly transposed?: true;
}

type Rename = readonly [from: RegExp, to: string];

const replaced = (name: string, renames: readonly Rename[]): string =>
  renames.reduce((text, [from, to]) => text.replace(from, to), name);

const unetHeads: readonly Rename[] = [
  [/^conv_in\./, "input_blocks.0.0."],
  [/^time_embedding\.linear_1\./, "time_embed.0."],
  [/^time_embedding\.linear_2\./, "time_embed.2."],
  [/^add_embedding\.linear_1\./, "label_emb.0.0."],
  [/^add_embedding\.linear_2\./, "label_emb.0.2."],
  [/^conv_norm_out\./, "out.0."],
  [/^conv_out\./, "out.2."],
  [/^mid_block\.resnets\.0\./, "middle_block.0."],
  [/^mid_block\.attentions\.0\./, "middle_block.1."],
  [/^mid_block\.resnets\.1\./, "middle_block.2."],
];

const unetResnet: readonly Rename[] = [
  [/\.norm1\.(weight|bias)$/, ".in_layers.0.$1"],
  [/\.conv1\./, ".in_layers.2."],
  [/\.time_emb_proj\./, ".emb_layers.1."],
  [/\.norm2\.(weight|bias)$/, ".out_layers.0.$1"],
  [/\.conv2\./, ".out_layers.3."],
  [/\.conv_shortcut\./, ".skip_connection."],
];

/** For one network: levels and layers decide how input and output blocks are counted. */
export function originalUNetName(
  { layers_per_block: layers, reverse_transformer_layers_per_block: upDepths }: UNetConfig,
): (canonical: string) => Origin {
  const before = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  const firstInput = layers.map((_, level) => 1 + before(layers.slice(0, level)) + level);
  const upLayers = [...layers].reverse().map((count) => count + 1);
  const firstOutput = upLayers.map((_, block) => before(upLayers.slice(0, block)));
  const position = /^(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)/;
  const place = (_: string, side: string, blockText: string, kind: string, layerText: string) => {
    const [block, layer] = [Number(blockText), Number(layerText)];
    if (kind === "downsamplers") {
      return `input_blocks.${firstInput[block] + layers[block]}.0.op`;
    }
    if (kind === "upsamplers") {
      const slot = upDepths[block].length > 0 ? 2 : 1;
      return `output_blocks.${firstOutput[block] + upLayers[block] - 1}.${slot}`;
    }
    const first = side === "down" ? firstInput : firstOutput;
    const blocks = side === "down" ? "input_blocks" : "output_blocks";
    return `${blocks}.${first[block] + layer}.${kind === "resnets" ? 0 : 1}`;
  };
  return (canonical) => {
    const inner = canonical.includes("resnets.") ? replaced(canonical, unetResnet) : canonical;
    const name = replaced(inner, unetHeads).replace(position, place).replace(".op.conv.", ".op.");
    return { name };
  };
}

const vaeRenames: readonly Rename[] = [
  [/^encoder\.down_blocks\.(\d+)\.resnets\./, "encoder.down.$1.block."],
  [/^encoder\.down_blocks\.(\d+)\.downsamplers\.0\./, "encoder.down.$1.downsample."],
  [/\.upsamplers\.0\./, ".upsample."],
  [/^(decoder\.up\.\d+)\.resnets\./, "$1.block."],
  [/\.mid_block\.resnets\.0\./, ".mid.block_1."],
  [/\.mid_block\.resnets\.1\./, ".mid.block_2."],
  [/\.mid_block\.attentions\.0\.group_norm\./, ".mid.attn_1.norm."],
  [/\.mid_block\.attentions\.0\.to_([qkv])\./, ".mid.attn_1.$1."],
  [/\.mid_block\.attentions\.0\.to_out\.0\./, ".mid.attn_1.proj_out."],
  [/\.conv_norm_out\./, ".norm_out."],
  [/\.conv_shortcut\./, ".nin_shortcut."],
];

/** `levels` of the VAE; the file counts the decoder's from the finest. */
export const originalVaeName = (levels: number) => (canonical: string): Origin => ({
  name: replaced(
    canonical.replace(
      /^decoder\.up_blocks\.(\d+)/,
      (_, index) => `decoder.up.${levels - 1 - Number(index)}`,
    ),
    vaeRenames,
  ),
});

const clipRenames: readonly Rename[] = [
  [/^text_model\.embeddings\.token_embedding\./, "token_embedding."],
  [/^text_model\.embeddings\.position_embedding\.weight$/, "positional_embedding"],
  [/^text_model\.encoder\.layers\./, "transformer.resblocks."],
  [/^text_model\.final_layer_norm\./, "ln_final."],
  [/\.layer_norm([12])\./, ".ln_$1."],
  [/\.mlp\.fc1\./, ".mlp.c_fc."],
  [/\.mlp\.fc2\./, ".mlp.c_proj."],
  [/\.self_attn\.out_proj\./, ".attn.out_proj."],
];

const fused = /^text_model\.encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$/;

/** open_clip's text tower. `holds` says whether the file has a name. */
export const openClipName = (holds: (name: string) => boolean) => (canonical: string): Origin => {
  if (canonical === "text_projection.weight" && !holds(canonical)) {
    return { name: "text_projection", transposed: true };
  }
  const part = fused.exec(canonical);
  if (part === null) return { name: replaced(canonical, clipRenames) };
  const [, layer, letter, kind] = part;
  return {
    name: `transformer.resblocks.${layer}.attn.in_proj_${kind}`,
    third: "qkv".indexOf(letter) as 0 | 1 | 2,
  };
};
