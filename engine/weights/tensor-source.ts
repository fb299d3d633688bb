// One network's tensors under their canonical names, whatever the file calls them: diffusers' names (with
// the older and newer spellings of them) or the original release's. Every answer is a view of the file.
// The trap: a scaled fp8 weight comes with its scale; whoever takes the one without the other is wrong.
import type { ModelConfigs } from "../networks/config.ts";
import { openClipName, type Origin, originalUNetName, originalVaeName } from "./original-names.ts";
import type { Network } from "./required-tensors.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";

export interface Located {
  readonly view: WeightView;
  /** Multiplies the weight: one value, or one per row. */
  readonly scale?: WeightView;
}

export interface TensorSource {
  /** For messages. */
  readonly file: string;
  /** In front of all its names in the file. */
  readonly prefix: string;
  /** Where its tensors are and how they are named, e.g. "unet. (diffusers' names)". */
  readonly layout: string;
  /** The file's fp8 weights have scales: one without is not to be trusted. */
  readonly scaled: boolean;
  readonly find: (canonical: string) => Located | undefined;
}

/** Views by the names in the files. */
export type StoredTensors = ReadonlyMap<string, WeightView>;

const oldAttention: readonly (readonly [from: string, to: string])[] = [
  [".attentions.0.query.", ".attentions.0.to_q."],
  [".attentions.0.key.", ".attentions.0.to_k."],
  [".attentions.0.value.", ".attentions.0.to_v."],
  [".attentions.0.proj_attn.", ".attentions.0.to_out.0."],
];

/** transformers 5 writes text encoder 1 without its `text_model.`; old VAEs name attention otherwise. */
function canonicalName(network: Network, stored: string): string {
  if (network === "vae") {
    return oldAttention.reduce((name, [from, to]) => name.replace(from, to), stored);
  }
  const flat = network !== "unet" && /^(embeddings|encoder|final_layer_norm)\./.test(stored);
  return flat ? `text_model.${stored}` : stored;
}

function scaleOf(tensors: StoredTensors, stored: string): WeightView | undefined {
  const module = /^(.*)weight$/.exec(stored)?.[1];
  if (module === undefined) return undefined;
  return tensors.get(`${module}scale_weight`) ?? tensors.get(`${module}weight_scale`);
}

/** Also scales of kinds that are not read here (weight_scale_inv, weight_scale_2, ...). */
const scaleNames = /(^|\.)(scaled_fp8|scale_weight\w*|weight_scale\w*|weight\.\w*scale\w*)$/;
const hasScales = (tensors: StoredTensors): boolean =>
  [...tensors.keys()].some((name) => scaleNames.test(name));

function located(tensors: StoredTensors, stored: string, canonical: string): Located | undefined {
  const view = tensors.get(stored);
  if (view === undefined) return undefined;
  const scale = scaleOf(tensors, stored);
  return { view: { ...view, name: canonical }, ...(scale === undefined ? {} : { scale }) };
}

/** Tensors named as diffusers or transformers name them, below a prefix. */
export function diffusersSource(
  network: Network,
  tensors: StoredTensors,
  file: string,
  prefix = "",
): TensorSource {
  const storedNames = new Map<string, string>();
  for (const stored of tensors.keys()) {
    if (stored.startsWith(prefix)) {
      storedNames.set(canonicalName(network, stored.slice(prefix.length)), stored);
    }
  }
  return {
    file,
    prefix,
    layout: prefix === "" ? "diffusers' names" : `diffusers' names under "${prefix}"`,
    scaled: hasScales(tensors),
    find: (canonical) => {
      const stored = storedNames.get(canonical);
      return stored === undefined ? undefined : located(tensors, stored, canonical);
    },
  };
}

/** The third of the rows that holds one of the fused q, k, v. */
function third(view: WeightView, part: number): WeightView {
  const bytes = Math.floor(view.bytes / 3);
  const shape = [view.shape[0] / 3, ...view.shape.slice(1)];
  return { ...view, shape, bytes, offset: view.offset + part * bytes };
}

/** A scale with one value per row is split like its weight; a single value belongs to all parts. */
function fusedPart({ view, scale }: Located, part: number): Located {
  const perRow = scale !== undefined && scale.shape[0] === view.shape[0] && view.shape[0] > 1;
  return {
    view: third(view, part),
    ...(scale === undefined ? {} : { scale: perRow ? third(scale, part) : scale }),
  };
}

/** Tensors named as in the original release, below a prefix. */
export function originalSource(
  network: "textEncoder2" | "unet" | "vae",
  tensors: StoredTensors,
  file: string,
  prefix: string,
  configs: Pick<ModelConfigs, "unet" | "vae">,
): TensorSource {
  const origin: (canonical: string) => Origin = network === "unet"
    ? originalUNetName(configs.unet)
    : network === "vae"
    ? originalVaeName(configs.vae.block_out_channels.length)
    : openClipName((name) => tensors.has(prefix + name));
  return {
    file,
    prefix,
    layout: prefix === "" ? "the original names" : `the original names under "${prefix}"`,
    scaled: hasScales(tensors),
    find: (canonical) => {
      const { name, third: part, transposed } = origin(canonical);
      const whole = located(tensors, prefix + name, canonical);
      if (whole === undefined) return undefined;
      if (part !== undefined) return fusedPart(whole, part);
      return transposed === true ? { ...whole, view: { ...whole.view, transposed } } : whole;
    },
  };
}
