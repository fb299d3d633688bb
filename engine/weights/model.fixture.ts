// Copies of golden case a with something changed, for the tests of opening models.
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Network } from "./required-tensors.ts";
import {
  readSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const golden = (name: string) => join(root, "tests/golden", name);
export const modelA = golden("a/model");
export const singleA = golden("a/single_file.safetensors");

export const folders = {
  textEncoder: "text_encoder",
  textEncoder2: "text_encoder_2",
  unet: "unet",
  vae: "vae",
} as const;
const stems = {
  textEncoder: "model",
  textEncoder2: "model",
  unet: "diffusion_pytorch_model",
  vae: "diffusion_pytorch_model",
} as const;

/** A network's weights in a diffusers folder. */
export const fileOf = (network: Network, suffix = ".safetensors") =>
  `${folders[network]}/${stems[network]}${suffix}`;

export async function copyOfA(folder: string, name: string): Promise<string> {
  const copy = join(folder, name);
  await cp(modelA, copy, { recursive: true });
  return copy;
}

/** A copy of a .safetensors file with some tensors changed, renamed or left out. */
export async function rewritten(
  from: string,
  to: string,
  change: (name: string, tensor: TensorToWrite) => readonly (readonly [string, TensorToWrite])[],
): Promise<void> {
  const tensors = [...await readSafetensors(from)];
  await writeSafetensors(to, new Map(tensors.flatMap(([name, tensor]) => change(name, tensor))));
}
