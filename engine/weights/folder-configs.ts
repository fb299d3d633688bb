// The five configs and two tokenizers of a diffusers folder, and those of SDXL base that come with
// gnomic, for single files, which hold neither. The trap: a folder may hold configs and no weights.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  decodeClipTextConfig,
  decodeSchedulerConfig,
  decodeUNetConfig,
  decodeVaeConfig,
  ModelConfigFault,
  type ModelConfigs,
} from "../networks/config.ts";
import { type TokenizerFiles, tokenizerFiles } from "../text/tokenizer-files.ts";
import { duplicateKey } from "../../lib/duplicate-key.ts";
import type { ModelFinding } from "./model-fault.ts";
import type { Network } from "./required-tensors.ts";

/** The folder of each part in a diffusers folder. */
export const componentFolder = {
  textEncoder: "text_encoder",
  textEncoder2: "text_encoder_2",
  unet: "unet",
  vae: "vae",
  scheduler: "scheduler",
} as const satisfies Record<Network | "scheduler", string>;

export interface FolderConfigs {
  readonly configs: ModelConfigs;
  readonly tokenizers: readonly [TokenizerFiles, TokenizerFiles];
}

const decoders = {
  textEncoder: decodeClipTextConfig,
  textEncoder2: decodeClipTextConfig,
  unet: decodeUNetConfig,
  vae: decodeVaeConfig,
  scheduler: decodeSchedulerConfig,
} as const;

/** A config has a few kilobytes. */
const mostConfigBytes = 4 << 20;

/** A config file, or a finding. */
export async function decodeFile<A>(
  decode: (json: unknown, file: string) => A,
  file: string,
  findings: ModelFinding[],
): Promise<A | undefined> {
  const size = await stat(file).then((found) => found.size, () => undefined);
  if (size !== undefined && size > mostConfigBytes) {
    findings.push({ file, found: `${size} bytes, more than the limit of ${mostConfigBytes}` });
    return undefined;
  }
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) {
    findings.push({ file, found: "no such file" });
    return undefined;
  }
  try {
    return decode(parseJson(text, file), file);
  } catch (cause) {
    if (!(cause instanceof ModelConfigFault)) throw cause;
    const key = cause.key === undefined ? "" : `${cause.key}: `;
    findings.push({ file, found: key + cause.found });
    return undefined;
  }
}

function parseJson(text: string, file: string): unknown {
  const refuse = (found: string, cause?: unknown) =>
    new ModelConfigFault({ file, wanted: "a config", found, fix: "Repair it.", cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw refuse("text that is not JSON", cause);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw refuse(`${twice} twice`);
  return json;
}

/** Everything but the weights. What is missing or wrong goes into `findings`, all of it. */
export async function folderConfigs(
  folder: string,
  findings: ModelFinding[],
): Promise<FolderConfigs | undefined> {
  const part = <Name extends keyof typeof decoders>(name: Name, file: string) =>
    decodeFile<ReturnType<typeof decoders[Name]>>(
      decoders[name] as (json: unknown, file: string) => ReturnType<typeof decoders[Name]>,
      join(folder, componentFolder[name], file),
      findings,
    );
  const textEncoder = await part("textEncoder", "config.json");
  const textEncoder2 = await part("textEncoder2", "config.json");
  const unet = await part("unet", "config.json");
  const vae = await part("vae", "config.json");
  const scheduler = await part("scheduler", "scheduler_config.json");
  const [first, second] = ["tokenizer", "tokenizer_2"].map((name) => {
    const files = tokenizerFiles(join(folder, name));
    if (files === undefined) {
      const found = "neither vocab.json with merges.txt nor tokenizer.json";
      findings.push({ file: join(folder, name), found });
    }
    return files;
  });
  if (textEncoder === undefined || textEncoder2 === undefined || unet === undefined) return;
  if (vae === undefined || scheduler === undefined) return;
  if (first === undefined || second === undefined) return;
  return {
    configs: { textEncoder, textEncoder2, unet, vae, scheduler },
    tokenizers: [first, second],
  };
}

const bundled = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** SDXL base's, which every single file without `modelConfig` is taken to follow. */
export async function bundledConfigs(): Promise<FolderConfigs> {
  const read = async <A>(name: string, decode: (json: unknown, file: string) => A): Promise<A> => {
    const file = bundled(`./sdxl-base/${name}_config.json`);
    return decode(JSON.parse(await readFile(file, "utf8")), file);
  };
  const folder = bundled("../text/clip/");
  const clip = {
    kind: "vocabulary",
    folder,
    vocabulary: join(folder, "vocab.json"),
    merges: join(folder, "merges.txt"),
  } as const;
  return {
    configs: {
      textEncoder: await read("text_encoder", decodeClipTextConfig),
      textEncoder2: await read("text_encoder_2", decodeClipTextConfig),
      unet: await read("unet", decodeUNetConfig),
      vae: await read("vae", decodeVaeConfig),
      scheduler: await read("scheduler", decodeSchedulerConfig),
    },
    tokenizers: [{ ...clip, padToken: "<|endoftext|>" }, { ...clip, padToken: "!" }],
  };
}

/** What must agree between the configs, since no single one of them is wrong. */
export function disagreements({ textEncoder, textEncoder2, unet, vae }: ModelConfigs): string[] {
  const context = textEncoder.hidden_size + textEncoder2.hidden_size;
  const projection = textEncoder2.projection_dim + 6 * unet.addition_time_embed_dim;
  const found: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) found.push(what);
  };
  check(
    unet.cross_attention_dim === context,
    `the UNet's cross_attention_dim is ${unet.cross_attention_dim}, the text encoders' widths add ` +
      `up to ${context}`,
  );
  check(
    unet.projection_class_embeddings_input_dim === projection,
    `the UNet's projection_class_embeddings_input_dim is ` +
      `${unet.projection_class_embeddings_input_dim}, pooled text and six time ids make ${projection}`,
  );
  check(
    unet.in_channels === vae.latent_channels,
    `the UNet has ${unet.in_channels} input channels, the VAE's latents ${vae.latent_channels}`,
  );
  return found;
}
