// Which execution providers ONNX Runtime's package has on this platform. The trap: ready does not mean
// working. WebGPU is ready with no card at all; only the self-check tells.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Provider, providerNames } from "../device/providers.ts";

export interface ListedProvider {
  readonly provider: Provider;
  /** Its libraries are there. CUDA's do not come with the package. */
  readonly ready: boolean;
}

/** The folder of the package `onnxruntime-node`. */
export const packageFolder = (): string =>
  dirname(dirname(createRequire(import.meta.url).resolve("onnxruntime-node")));

/** The folder of its native libraries. */
const libraryFolder = (): string =>
  join(packageFolder(), "bin", "napi-v6", process.platform, process.arch);

/** Of those that gnomic knows, in the order of its table. */
export async function listProviders(): Promise<readonly ListedProvider[]> {
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const { listSupportedBackends } = await import("onnxruntime-node");
  const listed = new Map(listSupportedBackends().map(({ name, bundled }) => [name, bundled]));
  return providerNames.flatMap((provider) => {
    const bundled = listed.get(provider);
    if (bundled === undefined) return [];
    const library = join(libraryFolder(), `libonnxruntime_providers_${provider}.so`);
    return [{ provider, ready: bundled || existsSync(library) }];
  });
}

/** ONNX Runtime's version: what was checked under another one is checked again. */
export async function runtimeVersion(): Promise<string> {
  const { env } = await import("onnxruntime-node");
  return env.versions.node ?? env.versions.common;
}
