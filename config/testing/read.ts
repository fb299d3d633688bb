// What the tests of config/ share: reading a configuration with real files, and its findings.
import { NodeFileSystem } from "@effect/platform-node";
import { Effect, Exit } from "effect";
import type { ConfigFault, Finding } from "../../runtime/options/config-fault.ts";
import { parseSource } from "../../lib/source.ts";
import type { ConfigLayers } from "../../runtime/options/configuration.ts";
import { type ReadConfig, readConfig } from "../read.ts";

const exitOf = (layers: ConfigLayers): Promise<Exit.Exit<ReadConfig, ConfigFault>> =>
  Effect.runPromiseExit(readConfig(layers).pipe(Effect.provide(NodeFileSystem.layer)));

/** The configuration; throws its ConfigFault. */
export async function read(layers: ConfigLayers): Promise<ReadConfig> {
  const exit = await exitOf(layers);
  if (Exit.isSuccess(exit)) return exit.value;
  throw exit.cause.reasons.map((reason) => reason._tag === "Fail" ? reason.error : reason)[0];
}

/** The findings; none if it reads well. */
export async function findings(layers: ConfigLayers): Promise<readonly Finding[]> {
  try {
    await read(layers);
    return [];
  } catch (error) {
    return (error as ConfigFault).findings;
  }
}

/** The least that a configuration needs. */
export const least = `type: SDXL_TEXTUAL_INVERSION
base_output_dir: output
placeholder_token: bruce
initializer_token: gnome
max_train_steps: 100
save_every_n_steps: 50
validate_every_n_steps: 50
data_loader:
  dataset: {type: IMAGE_DIR_DATASET, dataset_dir: pictures}
  caption_preset: object
`;

/** As the pipeline's own part, so that no file is needed. */
export const own = (text: string): ConfigLayers => ({ pipeline: parseSource(text, "own.yaml") });

export const reference = (name: string): string => `tests/reference/${name}`;
