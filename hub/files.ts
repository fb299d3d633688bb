// Which files of a repository gnomic needs: of a diffusers folder the configs, tokenizers, scheduler and
// one set of weights per component; of a repository without model_index.json its one single file; of a
// VAE its config and weights. Works on any list of paths, the hub's or the cache's.
// The trap: variants mix. A repository may have fp16 for one component only, so each falls back by
// itself: the variant, then the plain file, then fp16 (the reference's order).
import { textIn } from "../lib/foreign-json.ts";
import { HubContentFault } from "./hub-fault.ts";

export interface NeededFiles {
  readonly kind: "folder" | "single-file";
  /** What to open, relative to the snapshot: "" for the snapshot itself. */
  readonly root: string;
  readonly files: readonly string[];
  /** Files that were looked for first and are not listed; others took their place. */
  readonly replaced: readonly string[];
  /** Files without which nothing works and that are not listed. */
  readonly missing: readonly string[];
}

export interface Listing {
  /** The repository's id, for messages. */
  readonly id: string;
  readonly paths: ReadonlySet<string>;
  /** Reads a JSON file of the list. */
  readonly readJson: (path: string) => Promise<unknown>;
}

interface Weights {
  readonly files: readonly string[];
  readonly replaced: readonly string[];
}

const components = ["text_encoder", "text_encoder_2", "unet", "vae"] as const;
const tokenizers = ["tokenizer", "tokenizer_2"] as const;
const tokenizerFiles = [
  "tokenizer.json",
  "vocab.json",
  "merges.txt",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
];
const convert =
  "Pickle files can run any code when opened, so they are refused; convert them with " +
  "diffusers (`save_pretrained(..., safe_serialization=True)`).";

/** The files of a model to train. Throws HubContentFault when it is another kind of model. */
export async function modelFiles(listing: Listing, variant?: string): Promise<NeededFiles> {
  const { paths } = listing;
  if (!paths.has("model_index.json")) return singleFile(listing);
  await checkPipeline(listing);
  const files = ["model_index.json"];
  const missing: string[] = [];
  const replaced: string[] = [];
  const want = (path: string) => void (paths.has(path) ? files.push(path) : missing.push(path));
  for (const folder of tokenizers) {
    const present = tokenizerFiles.map((name) => `${folder}/${name}`).filter((path) =>
      paths.has(path)
    );
    files.push(...present);
    if (!paths.has(`${folder}/tokenizer.json`)) {
      for (const name of ["vocab.json", "merges.txt"]) {
        if (!paths.has(`${folder}/${name}`)) missing.push(`${folder}/${name}`);
      }
    }
  }
  want("scheduler/scheduler_config.json");
  for (const component of components) {
    want(`${component}/config.json`);
    const base = component.startsWith("text") ? "model" : "diffusion_pytorch_model";
    const weights = await componentWeights(listing, `${component}/${base}`, variant);
    if (weights === undefined) missing.push(`${component}/${base}.safetensors`);
    files.push(...weights?.files ?? []);
    replaced.push(...weights?.replaced ?? []);
  }
  return { kind: "folder", root: "", files, replaced, missing };
}

/** The files of a VAE: a repository of its own, or the `vae` folder of a whole model. */
export async function vaeFiles(listing: Listing, variant?: string): Promise<NeededFiles> {
  const { paths } = listing;
  const root = paths.has("model_index.json") || paths.has("vae/config.json") ? "vae" : "";
  const prefix = root === "" ? "" : "vae/";
  const base = `${prefix}diffusion_pytorch_model`;
  const weights = await componentWeights(listing, base, variant);
  if (weights === undefined && root === "") return singleFile(listing);
  const found = [`${prefix}config.json`, ...weights?.files ?? [`${base}.safetensors`]];
  return {
    kind: "folder",
    root,
    files: found.filter((path) => paths.has(path)),
    replaced: weights?.replaced ?? [],
    missing: found.filter((path) => !paths.has(path)),
  };
}

async function componentWeights(
  { id, paths, readJson }: Listing,
  base: string,
  variant: string | undefined,
): Promise<Weights | undefined> {
  const kinds = variant === undefined ? [undefined] : [variant, undefined];
  if (variant !== "fp16") kinds.push("fp16");
  for (const kind of kinds) {
    const dot = kind === undefined ? "" : `.${kind}`;
    const replaced = kind === variant
      ? []
      : [`${base}${variant === undefined ? "" : `.${variant}`}.safetensors`];
    if (paths.has(`${base}${dot}.safetensors`)) {
      return { files: [`${base}${dot}.safetensors`], replaced };
    }
    // The second form is of older versions of diffusers.
    const index = [`${base}.safetensors.index${dot}.json`, `${base}.safetensors${dot}.index.json`]
      .find((path) => paths.has(path));
    if (index === undefined) continue;
    const shards = await shardsOf(id, index, await readJson(index));
    const absent = shards.filter((path) => !paths.has(path));
    if (absent.length === 0) return { files: [index, ...shards], replaced };
  }
  return undefined;
}

function shardsOf(id: string, index: string, json: unknown): string[] {
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  const folder = index.slice(0, index.lastIndexOf("/") + 1);
  const names = typeof map === "object" && map !== null ? [...new Set(Object.values(map))] : [];
  if (
    names.length > 0 && names.every((name) => typeof name === "string" && /^[^/\\]+$/.test(name))
  ) {
    return names.map((name) => folder + name).sort();
  }
  throw new HubContentFault({
    key: id,
    file: index,
    wanted: "a weight_map from tensor names to files of the same folder",
    found: JSON.stringify(map)?.slice(0, 120) ?? "none",
    fix: "The index is damaged: remove it from the cache, or use another revision.",
  });
}

async function checkPipeline({ id, readJson }: Listing): Promise<void> {
  const index = await readJson("model_index.json") as Readonly<Record<string, unknown>> | null;
  const has = (name: string) => {
    const entry = index?.[name];
    return Array.isArray(entry) && entry[1] !== null;
  };
  if ([...components, ...tokenizers, "scheduler"].every(has)) return;
  const name = textIn(index?.["_class_name"]) || "no _class_name";
  throw new HubContentFault({
    key: id,
    file: "model_index.json",
    wanted: "an SDXL pipeline with two text encoders and their tokenizers, unet, vae and scheduler",
    found: has("text_encoder_2") && !has("text_encoder")
      ? `${name} (the SDXL refiner has one encoder)`
      : name,
    fix:
      "Textual inversion here is for SDXL: name an SDXL model, such as stabilityai/stable-diffusion-xl-base-1.0.",
  });
}

function singleFile({ id, paths }: Listing): NeededFiles {
  const top = [...paths].filter((path) => !path.includes("/")).sort();
  const found = top.filter((path) => path.endsWith(".safetensors"));
  if (found.length === 1) {
    const replaced = ["model_index.json"];
    return { kind: "single-file", root: found[0], files: found, replaced, missing: [] };
  }
  const pickles = top.filter((path) => /\.(?:ckpt|bin|pth?)$/.test(path));
  throw new HubContentFault({
    key: id,
    wanted: "a model_index.json or one .safetensors file",
    found: found.length > 1
      ? found.join(", ")
      : pickles.length > 0
      ? pickles.join(", ")
      : "neither",
    fix: found.length > 1
      ? `Name the one you mean, as in ${id}/${found[0]}.`
      : pickles.length > 0
      ? convert
      : "Name a repository that holds an SDXL model.",
  });
}

/** Throws HubContentFault with everything that is missing and what there is instead. */
export function refuseIncomplete({ id, paths }: Listing, { missing }: NeededFiles): void {
  if (missing.length === 0) return;
  const pickled = [...paths].some((path) => /\.(?:bin|ckpt|msgpack)$/.test(path));
  const single = [...paths].find((path) => /^[^/]+\.safetensors$/.test(path));
  const weights = missing.some((path) => path.endsWith(".safetensors"));
  const variants = [
    ...new Set([...paths].map((path) => /model\.(\w+)\.safetensors$/.exec(path)?.[1])),
  ].filter((name) => name !== undefined);
  throw new HubContentFault({
    key: id,
    wanted: "all the files of an SDXL model",
    found: `no ${missing.join(", no ")}`,
    fix: weights && single !== undefined
      ? `The single file ${id}/${single} may do.`
      : weights && variants.length > 0
      ? `There are weights of the variant ${variants.join(", ")}.`
      : weights && pickled
      ? convert
      : "Use another revision or repository.",
  });
}
