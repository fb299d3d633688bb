// The networks of a single .safetensors file: in the original release's layout, in diffusers' names, or a
// mixture, below any of the prefixes that people's tools write. Nothing is copied: each network becomes
// a source of views. The trap: a file may lack text encoders or VAE; that is for the caller to tell.
import type { ModelConfigs, SchedulerConfig } from "../networks/config.ts";
import { unetPrefixes } from "./detect-layout.ts";
import { type Network, networks } from "./required-tensors.ts";
import type { SafetensorsHeader } from "../../lib/safetensors/safetensors.ts";
import { diffusersSource, originalSource, type TensorSource } from "./tensor-source.ts";

interface Layout {
  readonly prefixes: readonly string[];
  /** A tensor that every such network has, below the prefix. */
  readonly probe: string;
  readonly original: boolean;
}

const vaePrefixes = ["first_stage_model.", "vae.", ""];
const firstEncoder = [
  "conditioner.embedders.0.transformer.",
  "text_encoders.clip_l.transformer.",
  "clip_l.transformer.",
  "clip_l.",
  "te1.",
  "text_encoder.",
];
const secondEncoder = [
  "conditioner.embedders.1.model.",
  "conditioner.embedders.1.transformer.",
  "text_encoders.clip_g.transformer.",
  "clip_g.transformer.",
  "clip_g.",
  "te2.",
  "text_encoder_2.",
];
const clipProbes = ["text_model.embeddings.", "embeddings."].map((p) =>
  `${p}token_embedding.weight`
);

const layouts: Readonly<Record<Network, readonly Layout[]>> = {
  unet: [
    { prefixes: unetPrefixes, probe: "input_blocks.0.0.weight", original: true },
    { prefixes: unetPrefixes, probe: "down_blocks.0.resnets.0.norm1.weight", original: false },
  ],
  vae: [
    { prefixes: vaePrefixes, probe: "encoder.down.0.block.0.norm1.weight", original: true },
    {
      prefixes: vaePrefixes,
      probe: "encoder.down_blocks.0.resnets.0.norm1.weight",
      original: false,
    },
  ],
  textEncoder: clipProbes.map((probe) => ({ prefixes: firstEncoder, probe, original: false })),
  textEncoder2: [
    { prefixes: secondEncoder, probe: "transformer.resblocks.0.ln_1.weight", original: true },
    ...clipProbes.map((probe) => ({ prefixes: secondEncoder, probe, original: false })),
  ],
};

/** The networks that the file holds. */
export function singleFileSources(
  { tensors, file }: SafetensorsHeader,
  configs: ModelConfigs,
): Partial<Record<Network, TensorSource>> {
  const sources: Partial<Record<Network, TensorSource>> = {};
  for (const network of networks) {
    for (const { prefixes, probe, original } of layouts[network]) {
      const prefix = prefixes.find((prefix) => tensors.has(prefix + probe));
      if (prefix === undefined) continue;
      sources[network] ??= original && network !== "textEncoder"
        ? originalSource(network, tensors, file, prefix, configs)
        : diffusersSource(network, tensors, file, prefix);
    }
  }
  return sources;
}

/** What a file says about what it predicts, and where it says so. */
function markedPrediction(
  { tensors, metadata }: SafetensorsHeader,
): { readonly saidBy: string } | undefined {
  if (tensors.has("v_pred")) return { saidBy: "from the file's marker v_pred" };
  const key = ["modelspec.prediction_type", "modelspec.predict_key"]
    .find((key) => /^v(_|-|$)/i.test(metadata[key] ?? ""));
  return key === undefined ? undefined : { saidBy: `only from the metadata's ${key}` };
}

/** What a file says about its own training, and where it says so. */
export function markedScheduler(
  header: SafetensorsHeader,
  assumed: SchedulerConfig,
  assumedFrom: string,
): { readonly scheduler: SchedulerConfig; readonly note: string } {
  const velocity = markedPrediction(header);
  const zeroTerminal = header.tensors.has("ztsnr");
  const prediction = velocity === undefined
    ? `${assumed.prediction_type}, as in ${assumedFrom}: the file has no marker for it`
    : `v_prediction, ${velocity.saidBy}`;
  return {
    scheduler: {
      ...assumed,
      ...(velocity === undefined ? {} : { prediction_type: "v_prediction" }),
      ...(zeroTerminal ? { rescale_betas_zero_snr: true } : {}),
    },
    note: prediction + (zeroTerminal ? "; zero terminal SNR, from its marker ztsnr" : ""),
  };
}
