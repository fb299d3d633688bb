// Which versions made a run: for its manifest and its events, never for a result file (except this
// tool's own, which says how to read it).
import project from "../../package.json" with { type: "json" };
import { runtimeVersion } from "./runtime.ts";

const { name, version, dependencies } = project;

/** This tool and its version, e.g. "gnomic 0.1.0". */
export const tool = `${name} ${version}`;

export const versions: Readonly<Record<string, string>> = {
  [name]: version,
  runtime: runtimeVersion,
  effect: dependencies.effect,
  "onnxruntime-node": dependencies["onnxruntime-node"],
  sharp: dependencies.sharp,
};
