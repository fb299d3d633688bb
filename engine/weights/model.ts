// Opens an SDXL model as people have it: a diffusers folder, or a single .safetensors file in any of the
// layouts in use, with another VAE if wanted. All that the networks need is checked from headers and
// configs alone, so that no session can fail for want of a tensor. No weight is read or copied, except
// where fp8 or float64 has to be converted, once, into a side file.
// The trap: a single file does not hold its configs; without `modelConfig` they are SDXL base's.
import { realpath, stat } from "node:fs/promises";
import { userCache } from "../../lib/user-cache.ts";
import type { ModelConfigs } from "../networks/config.ts";
import type { TokenizerFiles } from "../text/tokenizer-files.ts";
import { convertStored } from "./convert-stored.ts";
import { componentFolder, disagreements } from "./folder-configs.ts";
import { locate } from "./locate.ts";
import { type ModelFinding, refuseModel } from "./model-fault.ts";
import { type ModelParts, partsOfFile, partsOfFolder, vaeParts } from "./model-parts.ts";
import { type Network, networks, requiredTensors } from "./required-tensors.ts";
import type { Located } from "./tensor-source.ts";
import type { WeightTable } from "../../lib/safetensors/weight-view.ts";
import { fileFault, WeightsFileFault } from "../../lib/file-fault.ts";

/** An SDXL model that was found whole. Its weights stay in their files until an engine maps them. */
export interface Model {
  /** As it was asked for. */
  readonly path: string;
  /** A diffusers folder, or one .safetensors file. */
  readonly kind: "folder" | "single-file";
  /** Its own, or those that it goes by. */
  readonly configs: ModelConfigs;
  /**
   * By canonical name; every dtype is F32, F16 or BF16.
   * @internal
   */
  readonly weights: Readonly<Record<Network, WeightTable>>;
  /**
   * The given files that each network comes from; a side file is made of them and no other.
   * @internal
   */
  readonly files: Readonly<Record<Network, readonly string[]>>;
  /**
   * Of both text encoders.
   * @internal
   */
  readonly tokenizers: readonly [TokenizerFiles, TokenizerFiles];
  /** What was recognised, and where. */
  readonly notes: readonly string[];
}

/** What a model on disk may leave open. */
export interface OpenModelOptions {
  /** A diffusers folder whose configs a single file goes by, and whose VAE and text encoders fill its gaps. */
  readonly modelConfig?: string;
  /** Another VAE: a folder, with or without `vae/` in it, or a file. */
  readonly vaeModel?: string;
  /** File variant of a folder, e.g. "fp16"; each component falls back on what it has. */
  readonly variant?: string;
  /** Where converted weights are kept; only fp8 and float64 ones need it. */
  readonly cacheFolder?: string;
  /** False: nothing is written, so weights that have to be converted have no bytes yet. */
  readonly convert?: boolean;
  /** A conversion's progress, in tensors. */
  readonly onConvert?: (done: number, total: number) => void;
}

async function resolved(
  path: string,
  wanted = "a diffusers folder or a .safetensors file",
): Promise<{ path: string; isFolder: boolean }> {
  try {
    const real = await realpath(path);
    return { path: real, isFolder: (await stat(real)).isDirectory() };
  } catch (cause) {
    const fault = fileFault(path, cause);
    throw fault instanceof WeightsFileFault
      ? new WeightsFileFault({
        file: path,
        wanted,
        found: fault.found,
        fix: "Check the path; a Hugging Face id has the form `owner/name`.",
      })
      : fault;
  }
}

/** A single file gives no configs, so `modelConfig` cannot be one. */
async function configFolder(modelConfig: string | undefined): Promise<string | undefined> {
  if (modelConfig === undefined) return undefined;
  const wanted = "a diffusers folder, as `model_config`";
  const { isFolder } = await resolved(modelConfig, wanted);
  if (isFolder) return modelConfig;
  return refuseModel(
    modelConfig,
    wanted,
    [{ file: modelConfig, found: "a file, which holds no configs" }],
    "Name the diffusers folder of an SDXL model.",
  );
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
  const own = parts.configs.vae.scaling_factor;
  const scaled = config.scaling_factor === own ? "" : `, scaling factor ${config.scaling_factor} ` +
    `where the model's own is ${own}: a VAE of other models than SDXL trains wrongly`;
  return {
    ...parts,
    configs: { ...parts.configs, vae: config },
    sources: { ...parts.sources, vae: source },
    notes: [...parts.notes, `vae: from ${vaeModel}, ${source.layout}${scaled}`],
  };
}

/** What to do for want of some networks; those without a UNet are no model. */
function missingFix(absent: readonly Network[]): string {
  if (absent.includes("unet")) return "Name a model that has a unet.";
  const base = "Name the SDXL model that it is made for as `model_config`, to take from there " +
    "what the file lacks";
  return absent.join() === "vae" ? `${base}, or a VAE as \`vae_model\`.` : `${base}.`;
}

/**
 * Every tensor of every network, or one fault with all that is missing or does not fit. A file of the
 * hub's cache is called as it was asked for: its `real` name is a digest.
 */
function locateAll(
  path: string,
  real: string,
  parts: ModelParts,
): Record<Network, Map<string, Located>> {
  const { configs, sources, otherModelKind } = parts;
  const wanted = "the four networks of an SDXL model";
  const absent = networks.filter((network) => sources[network] === undefined);
  if (absent.length > 0) {
    const names = absent.map((network) => componentFolder[network]).join(", ");
    const found = otherModelKind === undefined
      ? `no ${names}`
      : `what looks like ${otherModelKind}`;
    const fix = otherModelKind === undefined ? missingFix(absent) : parts.fix;
    refuseModel(path, wanted, [{ file: path, found }], fix);
  }
  const required = requiredTensors(configs);
  const findings: ModelFinding[] = disagreements(configs).map((found) => ({ file: path, found }));
  const table = (network: Network) => {
    const source = sources[network];
    if (source === undefined) return new Map<string, Located>();
    const own: ModelFinding[] = [];
    const located = locate(required[network], source, own);
    // In a single file only this tells the text encoders' tensors apart.
    const prefix = parts.kind === "folder" ? "" : `${componentFolder[network]}.`;
    findings.push(...own.map((finding) => ({ ...finding, tensor: `${prefix}${finding.tensor}` })));
    return located;
  };
  const tables = {
    textEncoder: table("textEncoder"),
    textEncoder2: table("textEncoder2"),
    unet: table("unet"),
    vae: table("vae"),
  };
  if (otherModelKind !== undefined && findings.length > 0) {
    const [{ tensor, found }] = findings;
    const what = `what looks like ${otherModelKind}; ${
      tensor === undefined ? "" : `${tensor}: `
    }${found}`;
    refuseModel(path, "an SDXL model", [{ file: path, found: what }], parts.fix);
  }
  if (findings.length > 0) {
    const named = findings.map((finding) =>
      finding.file === real ? { ...finding, file: path } : finding
    );
    refuseModel(path, "the tensors that the configs describe", named, parts.fix);
  }
  return tables;
}

const filesOf = (table: ReadonlyMap<string, Located>): readonly string[] => {
  const views = [...table.values()].flatMap(({ view, scale }) => [view, scale ?? view]);
  return [...new Set(views.map(({ file }) => file))];
};

/**
 * Opens a model from a local path. Throws WeightsFileFault (a file is missing, broken or no
 * safetensors), ModelFault (what is there is not a whole SDXL model), ModelConfigFault,
 * DiskFault (the machine cannot read or write a file).
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  const { modelConfig, vaeModel, variant, convert, onConvert } = options;
  const { path: real, isFolder } = await resolved(path);
  const own = isFolder
    ? await partsOfFolder(path, variant)
    : await partsOfFile(path, await configFolder(modelConfig), variant);
  const parts = await withVae(own, vaeModel, variant);
  const tables = locateAll(path, real, parts);
  const cacheFolder = options.cacheFolder ?? userCache("weights");
  const { weights, file } = await convertStored(tables, cacheFolder, convert, onConvert);
  const { kind, configs, tokenizers, notes } = parts;
  const converted = file === undefined
    ? []
    : [`fp8 or float64 weights are kept converted in ${file}`];
  const files = {
    textEncoder: filesOf(tables.textEncoder),
    textEncoder2: filesOf(tables.textEncoder2),
    unet: filesOf(tables.unet),
    vae: filesOf(tables.vae),
  };
  return { path, kind, configs, tokenizers, weights, files, notes: [...notes, ...converted] };
}
