// Which versions made a run: for its manifest and its events, never for a result file (except this
// tool's own, which says how to read it).
import { readFileSync } from "node:fs";
import { runtimeVersion } from "./runtime.ts";

const { name, version, dependencies } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { name: string; version: string; dependencies: Record<string, string> };

/** This tool and its version, e.g. "gnomic 0.1.0". */
export const tool = `${name} ${version}`;

export const versions: Readonly<Record<string, string>> = {
  [name]: version,
  runtime: runtimeVersion,
  effect: dependencies.effect,
  "onnxruntime-node": dependencies["onnxruntime-node"],
  sharp: dependencies.sharp,
};
