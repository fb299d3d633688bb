// Finds the weights of one component of a diffusers folder (unet, vae, text_encoder, ...): one file or
// shards with an index, plain or of a variant such as fp16. Variants mix per component, so each falls
// back on its own: the asked variant, the plain file, fp16, whatever single variant there is.
// The trap: shards of a variant are named in two styles, which only the index tells apart.
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { duplicateKey } from "../../lib/duplicate-key.ts";
import type { ModelFinding } from "./model-fault.ts";
import { readHeader } from "../../lib/safetensors/safetensors.ts";
import type { StoredTensors } from "./tensor-source.ts";
import type { WeightView } from "../../lib/safetensors/weight-view.ts";
import { WeightsFileFault } from "../../lib/file-fault.ts";

export interface ComponentWeights {
  readonly tensors: StoredTensors;
  /** The file, or the index of the shards. */
  readonly file: string;
  /** "" for the plain file. */
  readonly variant: string;
}

interface Candidate {
  readonly name: string;
  readonly variant: string;
  readonly isIndex: boolean;
}

/** `model.fp16.safetensors`, `model.safetensors.index.fp16.json`; shards themselves do not match. */
function candidates(names: readonly string[], stem: string): readonly Candidate[] {
  const file = new RegExp(`^${stem}(?:\\.([A-Za-z0-9_]+))?\\.safetensors$`);
  const index = new RegExp(
    `^${stem}(?:\\.([A-Za-z0-9_]+))?\\.safetensors\\.index(?:\\.([A-Za-z0-9_]+))?\\.json$`,
  );
  return names.flatMap((name): Candidate[] => {
    const [, fileVariant = ""] = file.exec(name) ?? [];
    if (file.test(name)) return [{ name, variant: fileVariant, isIndex: false }];
    const [, before = "", after = ""] = index.exec(name) ?? [];
    return index.test(name) ? [{ name, variant: before || after, isIndex: true }] : [];
  });
}

function choose(all: readonly Candidate[], variant: string | undefined): Candidate | undefined {
  const order = [...(variant === undefined ? [] : [variant]), "", "fp16"];
  const rank = ({ variant, isIndex }: Candidate) => {
    const place = order.indexOf(variant);
    return (place < 0 ? order.length : place) * 2 + (isIndex ? 1 : 0);
  };
  return [...all].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))[0];
}

async function readShards(folder: string, index: string): Promise<StoredTensors> {
  const file = join(folder, index);
  const bad = (found: string, tensor?: string) =>
    new WeightsFileFault({
      file,
      ...(tensor === undefined ? {} : { tensor }),
      wanted: "an index of shards that are all there",
      found,
      fix: "Download the missing parts of this folder again.",
    });
  const text = await readFile(file, "utf8").catch(() => "");
  let map: unknown;
  try {
    map = JSON.parse(text).weight_map;
  } catch {
    throw bad("no readable JSON");
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw bad(`${twice} twice`);
  const places = Object.entries(Object(map) as Record<string, unknown>);
  if (!places.every(([, shard]) => typeof shard === "string")) throw bad("a shard that is no name");
  const shards = [...new Set(places.map(([, shard]) => shard as string))];
  const outside = shards.find((shard) => shard !== basename(shard));
  if (places.length === 0) throw bad("no weight_map");
  if (outside !== undefined) throw bad(`the shard ${outside}, which is not a name in its folder`);
  const present = new Set(await readdir(folder));
  const missing = shards.filter((shard) => !present.has(shard));
  if (missing.length > 0) throw bad(`no ${missing.join(", no ")}`);

  const headers = new Map(
    await Promise.all(
      shards.map(async (shard) =>
        [shard, await readHeader(join(folder, shard), { anyType: true })] as const
      ),
    ),
  );
  return new Map(places.map(([name, shard]): [string, WeightView] => {
    const view = headers.get(shard as string)?.tensors.get(name);
    if (view === undefined) throw bad(`no such tensor in ${shard}`, name);
    return [name, view];
  }));
}

const convertPickles =
  "Take the model's .safetensors version; or, if you trust the files, convert them in Python: " +
  "`StableDiffusionXLPipeline.from_pretrained('x', use_safetensors=False).save_pretrained('y')`.";

/**
 * The tensors of a component, or a finding when it has no .safetensors. `stem` is
 * "diffusion_pytorch_model" or "model". Throws WeightsFileFault for files that are broken.
 */
export async function componentWeights(
  folder: string,
  stem: string,
  variant: string | undefined,
): Promise<ComponentWeights | ModelFinding> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const chosen = choose(candidates(names, stem), variant);
  if (chosen !== undefined) {
    const file = join(folder, chosen.name);
    const tensors = chosen.isIndex
      ? await readShards(folder, chosen.name)
      : (await readHeader(file, { anyType: true })).tensors;
    return { tensors, file, variant: chosen.variant };
  }
  const file = join(folder, `${stem}.safetensors`);
  const pickle = names.find((name) => /\.(bin|ckpt|pt|pth)$/.test(name));
  const shard = names.find((name) => /-\d+-of-\d+.*\.safetensors$/.test(name));
  if (shard !== undefined) {
    return { file, found: `${shard}, but no index that tells what is where` };
  }
  if (pickle === undefined) return { file, found: "no such file" };
  const found =
    `only ${pickle}, a pickle that can run any program when opened and is therefore not read`;
  return { file, found, fix: convertPickles };
}
