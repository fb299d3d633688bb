// The parts of a model before they are checked against each other: configs, tokenizers and a source of
// tensors for every network that is there. A diffusers folder and a single file both become this.
// The trap: a network may be absent from a file; `model.ts` says so after `vaeModel` had its turn.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeVaeConfig, type ModelConfigs, type VaeConfig } from "../networks/config.ts";
import type { TokenizerFiles } from "../text/tokenizer-files.ts";
import { foreignFormat } from "./comfy-quant.ts";
import { componentWeights } from "./component-weights.ts";
import { detectLayout } from "./detect-layout.ts";
import { bundledConfigs, componentFolder, decodeFile, folderConfigs } from "./folder-configs.ts";
import { type ModelFinding, refuseModel } from "./model-fault.ts";
import { plainNames } from "./plain-names.ts";
import { type Network, networks } from "./required-tensors.ts";
import { readHeader } from "../../lib/safetensors/safetensors.ts";
import { markedScheduler, singleFileSources, unrecognised } from "./single-file.ts";
import { diffusersSource, type TensorSource } from "./tensor-source.ts";

export interface ModelParts {
  readonly kind: "folder" | "single-file";
  readonly configs: ModelConfigs;
  readonly tokenizers: readonly [TokenizerFiles, TokenizerFiles];
  readonly sources: Partial<Record<Network, TensorSource>>;
  readonly notes: readonly string[];
  /** What else it may be and what to do then, for a refusal. */
  readonly otherModelKind: string | undefined;
  readonly fix: string;
}

const stem = (network: Network) =>
  network === "unet" || network === "vae" ? "diffusion_pytorch_model" : "model";

const folderFix = "Name a complete diffusers folder of an SDXL model, or download what is missing.";

/** One network of a diffusers folder; undefined, with a finding, when its weights are not there. */
async function folderSource(
  path: string,
  network: Network,
  variant: string | undefined,
  findings: ModelFinding[],
): Promise<TensorSource & { readonly variant: string } | undefined> {
  const weights = await componentWeights(path, stem(network), variant);
  if ("found" in weights) {
    findings.push(weights);
    return undefined;
  }
  const { tensors, file } = weights;
  return { ...diffusersSource(network, tensors, file), variant: weights.variant };
}

/** Refuses, in one line, a folder that nobody meant to be a diffusers folder. */
async function checkFolder(path: string): Promise<void> {
  const names: readonly string[] = await readdir(path);
  if (names.includes("unet") || names.includes("model_index.json")) return;
  const single = names.find((name) => name.endsWith(".safetensors"));
  const inner = names.find((name) => existsSync(join(path, name, "unet")));
  const fix = names.includes("snapshots")
    ? "This is a cache of the Hugging Face hub: name the model by its id, or a folder in snapshots/."
    : inner !== undefined
    ? `Name the folder in it, ${join(path, inner)}.`
    : single === undefined
    ? folderFix
    : `Name the file, ${join(path, single)}, or the whole diffusers folder.`;
  refuseModel(path, "a diffusers folder", [{ file: path, found: "no unet/ in it" }], fix);
}

/** What model_index.json says when it is not SDXL's; only an explanation, never a reason. */
async function otherPipeline(path: string): Promise<readonly ModelFinding[]> {
  const file = join(path, "model_index.json");
  const text = await readFile(file, "utf8").catch(() => "");
  const name = /"_class_name"\s*:\s*"(\w+)"/.exec(text)?.[1];
  return name === undefined || name.startsWith("StableDiffusionXL")
    ? []
    : [{ file, found: `a ${name}` }];
}

/** A diffusers folder. Throws ModelFault naming all that is missing or is not SDXL's. */
export async function partsOfFolder(path: string, variant?: string): Promise<ModelParts> {
  await checkFolder(path);
  const findings: ModelFinding[] = [];
  const configs = await folderConfigs(path, findings);
  const sources: Partial<Record<Network, TensorSource>> = {};
  const others = new Map<string, string[]>();
  for (const network of networks) {
    const folder = componentFolder[network];
    const source = await folderSource(join(path, folder), network, variant, findings);
    if (source === undefined) continue;
    sources[network] = source;
    if (source.variant === (variant ?? "")) continue;
    const kind = source.variant === "" ? "the plain file" : `the variant ${source.variant}`;
    others.set(kind, [...others.get(kind) ?? [], folder]);
  }
  const notes = [...others].map(([kind, folders]) =>
    `${folders.join(", ")}: ${kind}, the only one there that fits`
  );
  if (configs === undefined || findings.length > 0) {
    findings.unshift(...await otherPipeline(path));
    const fixes = new Set(findings.map(({ fix = folderFix }) => fix));
    const wanted = "an SDXL model in a diffusers folder";
    return refuseModel(path, wanted, findings, [...fixes].join(" "));
  }
  const { prediction_type: prediction, rescale_betas_zero_snr: zero } = configs.configs.scheduler;
  const terminal = zero ? " with zero terminal SNR" : "";
  notes.push(`prediction: ${prediction}${terminal}, from scheduler/scheduler_config.json`);
  return { kind: "folder", ...configs, sources, notes, otherModelKind: undefined, fix: folderFix };
}

/**
 * A single file. `modelConfig` is a diffusers folder that gives the configs, the tokenizers and the
 * networks that the file does not hold, except the UNet; SDXL base's configs are assumed otherwise.
 */
export async function partsOfFile(
  path: string,
  modelConfig: string | undefined,
  variant: string | undefined,
): Promise<ModelParts> {
  const stored = await readHeader(path, { anyType: true });
  const { tensors, note: wrapped } = plainNames(stored.tensors);
  const header = { ...stored, tensors };
  const { otherModelKind, fix, unusable } = detectLayout(header.tensors);
  if (unusable) {
    refuseModel(path, "an SDXL model", [{ file: path, found: `${otherModelKind}` }], fix);
  }
  const foreign = await foreignFormat(header);
  if (foreign !== undefined) {
    const found = `weights quantised in a format that is not read here: ${foreign.says}`;
    const fix = "Take the model's float16, bfloat16 or scaled fp8 version.";
    refuseModel(path, "an SDXL model", [{ file: path, tensor: foreign.layer, found }], fix);
  }
  const findings: ModelFinding[] = [];
  const base = modelConfig === undefined
    ? await bundledConfigs()
    : await folderConfigs(modelConfig, findings) ??
      refuseModel(modelConfig, "the configs of an SDXL model", findings, folderFix);
  const { scheduler, note } = markedScheduler(
    header,
    base.configs.scheduler,
    modelConfig ?? "SDXL base",
  );
  const configs = { ...base.configs, scheduler };
  const sources = singleFileSources(header, configs);
  const notes = networks.flatMap((network) => {
    const source = sources[network];
    return source === undefined ? [] : [`${componentFolder[network]}: ${source.layout}`];
  });
  for (const network of networks) {
    if (sources[network] !== undefined || network === "unet") continue;
    const tensor = unrecognised(header, network, sources);
    if (tensor === undefined || otherModelKind !== undefined) continue;
    const what = componentFolder[network];
    refuseModel(
      path,
      `a ${what} under names that are known here`,
      [{ file: path, tensor, found: `what may be one, below a prefix that does not tell` }],
      "Save the model again in the original layout or as a diffusers folder; what the file holds is " +
        "not replaced by another's.",
    );
  }
  if (modelConfig !== undefined) {
    for (const network of networks) {
      const folder = join(modelConfig, componentFolder[network]);
      // A file without a UNet, such as a LoRA, is no model: nothing of it would be trained with.
      if (sources[network] !== undefined || network === "unet") continue;
      const source = await folderSource(folder, network, variant, []);
      if (source === undefined) continue;
      sources[network] = source;
      notes.push(`${componentFolder[network]}: not in the file, taken from ${folder}`);
    }
  }
  if (wrapped !== null) notes.push(wrapped);
  if ([...header.tensors.keys()].some((name) => name.endsWith("time_embed.cond_proj.weight"))) {
    notes.push("unet: of a latent consistency model; its guidance embedding is not used");
  }
  const architecture = header.metadata["modelspec.architecture"];
  if (architecture !== undefined) notes.push(`metadata: calls itself ${architecture}`);
  notes.push(
    modelConfig === undefined ? "configs: SDXL base's, assumed" : `configs: from ${modelConfig}`,
    `prediction: ${note}`,
  );
  const distilled = modelConfig === undefined
    ? " If it is an SDXL of another shape (SSD-1B, Segmind Vega, ...), name its diffusers folder " +
      "as `model_config`."
    : "";
  return {
    kind: "single-file",
    configs,
    tokenizers: base.tokenizers,
    sources,
    notes,
    otherModelKind,
    fix: otherModelKind === undefined ? fix + distilled : fix,
  };
}

/**
 * Another VAE: a folder (with or without `vae/`) or a file. `assumed` is the config of a file's VAE.
 * Throws ModelFault or WeightsFileFault.
 */
export async function vaeParts(
  path: string,
  isFolder: boolean,
  configs: ModelConfigs,
  variant: string | undefined,
): Promise<{ readonly config: VaeConfig; readonly source: TensorSource }> {
  const wanted = "a VAE of SDXL (AutoencoderKL)";
  const fix = "Name the VAE's diffusers folder or its .safetensors file.";
  if (!isFolder) {
    const header = await readHeader(path, { anyType: true });
    const tensors = plainNames(header.tensors).tensors;
    const source = singleFileSources({ ...header, tensors }, configs).vae;
    const found = "no tensors of a VAE";
    return source === undefined
      ? refuseModel(path, wanted, [{ file: path, found }], fix)
      : { config: configs.vae, source };
  }
  const findings: ModelFinding[] = [];
  for (const folder of [join(path, "vae"), path]) {
    const found: ModelFinding[] = [];
    const config = await decodeFile(decodeVaeConfig, join(folder, "config.json"), found);
    const source = await folderSource(folder, "vae", variant, found);
    if (config !== undefined && source !== undefined && found.length === 0) {
      return { config, source };
    }
    findings.push(...found);
  }
  return refuseModel(path, wanted, findings, fix);
}
