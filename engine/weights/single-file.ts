// The networks of a single .safetensors file: in the original release's layout, in diffusers' names, or a
// mixture, below any of the prefixes that people's tools write. Nothing is copied: each network becomes
// a source of views. The trap: a file may lack text encoders or VAE; that is for the caller to tell.
import { refuseModel } from "./model-fault.ts";
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

/** Copies beside a network, or other networks that are built as one. */
const besides = /(^|[._])(ema|control\w*|adapter\w*|lora\w*|discriminator|loss)([._]|$)/i;

/**
 * The prefixes below which a file of unknown making has such a network, none of them `taken`. Of text
 * encoders the width tells which of the two it is.
 */
function otherPrefixes(
  tensors: SafetensorsHeader["tensors"],
  probe: string,
  taken: readonly string[],
  width: number | null,
): readonly string[] {
  return [...tensors].filter(([name]) => name.endsWith(`.${probe}`))
    .filter(([, { shape }]) => width === null || shape.at(-1) === width)
    .map(([name]) => name.slice(0, name.length - probe.length))
    .filter((prefix) => !besides.test(prefix) && !taken.includes(prefix));
}

const anEncoder = /token_embedding\.weight$|resblocks\.0\.ln_1\.weight$/;
const aVae = /(^|\.)encoder\.conv_in\.weight$/;

/** A tensor of a network that is in the file and was not recognised there. */
export const unrecognised = (
  { tensors }: SafetensorsHeader,
  network: Network,
  sources: Partial<Record<Network, TensorSource>>,
): string | undefined => {
  const used = Object.values(sources).map(({ prefix }) => prefix).filter((each) => each !== "");
  const kind = network === "vae" ? aVae : anEncoder;
  return [...tensors.keys()].find((name) =>
    kind.test(name) && !besides.test(name) && !used.some((prefix) => name.startsWith(prefix))
  );
};

/** The networks that the file holds. */
export function singleFileSources(
  { tensors, file }: SafetensorsHeader,
  configs: ModelConfigs,
): Partial<Record<Network, TensorSource>> {
  const sources: Partial<Record<Network, TensorSource>> = {};
  const add = (network: Network, { original }: Layout, prefix: string) => {
    sources[network] ??= original && network !== "textEncoder"
      ? originalSource(network, tensors, file, prefix, configs)
      : diffusersSource(network, tensors, file, prefix);
  };
  for (const network of networks) {
    for (const layout of layouts[network]) {
      const prefix = layout.prefixes.find((prefix) => tensors.has(prefix + layout.probe));
      if (prefix !== undefined) add(network, layout, prefix);
    }
  }
  const widths = {
    unet: null,
    vae: null,
    textEncoder: configs.textEncoder.hidden_size,
    textEncoder2: configs.textEncoder2.hidden_size,
  };
  for (const network of networks) {
    if (sources[network] !== undefined) continue;
    for (const layout of layouts[network]) {
      const taken = Object.values(sources).map(({ prefix }) => prefix);
      const found = otherPrefixes(tensors, layout.probe, taken, widths[network]);
      if (found.length === 1) add(network, layout, found[0]);
    }
  }
  return sources;
}

const velocities = ["v", "vpred", "vprediction", "vparameterization"];
const noises = ["epsilon", "eps", "epsilonprediction", "noise", ""];

/**
 * What a file says about what it predicts, and where it says so. Throws ModelFault where that is neither
 * noise nor v: such a model (of flow matching, say) would train wrongly and never say so.
 */
function markedPrediction(
  { file, tensors, metadata }: SafetensorsHeader,
): { readonly saidBy: string } | undefined {
  if (tensors.has("v_pred")) return { saidBy: "from the file's marker v_pred" };
  for (const key of ["modelspec.prediction_type", "modelspec.predict_key"]) {
    const said = (metadata[key] ?? "").toLowerCase().replace(/[^a-z0-9]/g, "");
    if (velocities.includes(said)) return { saidBy: `only from the metadata's ${key}` };
    if (noises.includes(said)) continue;
    const found = `one that predicts ${JSON.stringify(metadata[key])}, says the metadata's ${key}`;
    refuseModel(
      file,
      "an SDXL model that predicts epsilon or v",
      [{ file, found }],
      "Name another SDXL model; one of flow matching cannot be trained on here.",
    );
  }
  return undefined;
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
