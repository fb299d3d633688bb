// Opens an SDXL model as people have it: a diffusers folder, or a single .safetensors file in any of the
// layouts in use, with another VAE if wanted. All that the networks need is checked from headers and
// configs alone, so that no session can fail for want of a tensor. No weight is read or copied, except
// where fp8 or float64 has to be converted, once, into a side file.
// The trap: a single file does not hold its configs; without `modelConfig` they are SDXL base's.
import { realpath, stat } from "node:fs/promises";
import type { ModelConfigs } from "../networks/config.ts";
import type { TokenizerFiles } from "../text/tokenizer-files.ts";
import { userCache } from "../user-cache.ts";
import { convertStored } from "./convert-stored.ts";
import { componentFolder, disagreements } from "./folder-configs.ts";
import { locate } from "./locate.ts";
import { type ModelFinding, refuseModel } from "./model-fault.ts";
import { type ModelParts, partsOfFile, partsOfFolder, vaeParts } from "./model-parts.ts";
import { type Network, networks, requiredTensors } from "./required-tensors.ts";
import type { Located } from "./tensor-source.ts";
import { fileFault, WeightsFileFault } from "./weights-file-fault.ts";
import type { WeightTable } from "./weight-view.ts";

export interface Model {
  /** As it was asked for. */
  readonly path: string;
  readonly kind: "folder" | "single-file";
  readonly configs: ModelConfigs;
  /** By canonical name; every dtype is F32, F16 or BF16. */
  readonly weights: Readonly<Record<Network, WeightTable>>;
  readonly tokenizers: readonly [TokenizerFiles, TokenizerFiles];
  /** What was recognised, and where. */
  readonly notes: readonly string[];
}

export interface OpenModelOptions {
  /** A diffusers folder whose configs a single file goes by, and whose VAE and text encoders fill its gaps. */
  readonly modelConfig?: string;
  /** Another VAE: a folder, with or without `vae/` in it, or a file. */
  readonly vaeModel?: string;
  /** File variant of a folder, e.g. "fp16"; each component falls back on what it has. */
  readonly variant?: string;
  /** Where converted weights are kept; only fp8 and float64 ones need it. */
  readonly cacheFolder?: string;
}

async function resolved(path: string): Promise<{ path: string; isFolder: boolean }> {
  try {
    const real = await realpath(path);
    return { path: real, isFolder: (await stat(real)).isDirectory() };
  } catch (cause) {
    const fault = fileFault(path, cause);
    throw fault instanceof WeightsFileFault
      ? new WeightsFileFault({
        file: path,
        wanted: "a diffusers folder or a .safetensors file",
        found: fault.found,
        fix: "Check the path; a Hugging Face id has the form `owner/name`.",
      })
      : fault;
  }
}

/** Puts the asked VAE in the place of the model's own. */
async function withVae(
  parts: ModelParts,
  vaeModel: string | undefined,
  variant: string | undefined,
): Promise<ModelParts> {
  if (vaeModel === undefined) return parts;
  const { path, isFolder } = await resolved(vaeModel);
  const { config, source } = await vaeParts(path, isFolder, parts.configs, variant);
  return {
    ...parts,
    configs: { ...parts.configs, vae: config },
    sources: { ...parts.sources, vae: source },
    notes: [...parts.notes, `vae: from ${vaeModel}, ${source.layout}`],
  };
}

const missingFix: Readonly<Record<Network, string>> = {
  textEncoder: "name a base folder as `model_config` to take it from",
  textEncoder2: "name a base folder as `model_config` to take it from",
  unet: "name a model that has one",
  vae: "name one as `vae_model`, or a base folder as `model_config`",
};

/** Every tensor of every network, or one fault with all that is missing or does not fit. */
function locateAll(path: string, parts: ModelParts): Record<Network, Map<string, Located>> {
  const { configs, sources, looksLike } = parts;
  const wanted = "the four networks of an SDXL model";
  const absent = networks.filter((network) => sources[network] === undefined);
  if (absent.length > 0) {
    const names = absent.map((network) => componentFolder[network]).join(", ");
    const found = looksLike === undefined ? `no ${names}` : `what looks like ${looksLike}`;
    const fixes = absent.map((network) => `${componentFolder[network]}: ${missingFix[network]}`);
    const fix = looksLike === undefined ? `For ${[...new Set(fixes)].join("; ")}.` : parts.fix;
    refuseModel(path, wanted, [{ file: path, found }], fix);
  }
  const required = requiredTensors(configs);
  const findings: ModelFinding[] = disagreements(configs).map((found) => ({ file: path, found }));
  const table = (network: Network) => {
    const source = sources[network];
    return source === undefined
      ? new Map<string, Located>()
      : locate(required[network], source, findings);
  };
  const tables = {
    textEncoder: table("textEncoder"),
    textEncoder2: table("textEncoder2"),
    unet: table("unet"),
    vae: table("vae"),
  };
  if (findings.length > 0) {
    const looks = looksLike === undefined ? "" : `; this looks like ${looksLike}`;
    refuseModel(path, `the tensors that the configs describe${looks}`, findings, parts.fix);
  }
  return tables;
}

/**
 * Opens a model from a local path. Throws WeightsFileFault (a file is missing, broken or no
 * safetensors), ModelFault (what is there is not a whole SDXL model), ModelConfigFault,
 * WeightsStorageFault (the machine cannot read or write a file).
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  const { modelConfig, vaeModel, variant, cacheFolder = userCache("weights") } = options;
  const { path: real, isFolder } = await resolved(path);
  const own = isFolder
    ? await partsOfFolder(real, variant)
    : await partsOfFile(real, modelConfig, variant);
  const parts = await withVae(own, vaeModel, variant);
  const { weights, file } = await convertStored(locateAll(real, parts), cacheFolder);
  const { kind, configs, tokenizers, notes } = parts;
  const converted = file === undefined ? [] : [`fp8 or float64 weights converted into ${file}`];
  return { path, kind, configs, tokenizers, weights, notes: [...notes, ...converted] };
}
