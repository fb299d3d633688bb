// The bytes of an embedding file: a safetensors with exactly `clip_l` [n, 768] and `clip_g` [n, 1280] in
// float32, which InvokeAI, ComfyUI and A1111/Forge load. Its metadata says what it is and can rebuild the
// run, given the places of what went in. The trap: nothing about when, where or in which folder it was made,
// so the same training gives the same bytes in every folder.
import { safetensorsBytes } from "../../lib/safetensors/safetensors-bytes.ts";
import type { EncoderRows } from "../../inversion/artefacts/snapshots.ts";
import { originsOf } from "../../inversion/origins.ts";
import { canonicalJson, digestJson } from "../../lib/canonical-json.ts";
import type { RunInfo } from "../../runtime/stage.ts";
import { metadataKeys } from "../../inversion/metadata-keys.ts";

export interface EmbeddingFacts {
  readonly trigger: string;
  readonly step: number;
  readonly epoch: number;
  readonly run: Pick<RunInfo, "configuration" | "places" | "inputs" | "tool">;
}

export async function embeddingBytes(
  { clip_l, clip_g }: EncoderRows,
  vectors: number,
  { trigger, step, epoch, run }: EmbeddingFacts,
): Promise<Uint8Array> {
  const { configuration, places } = run;
  const tensor = (data: Float32Array) => ({
    dtype: "F32" as const,
    shape: [vectors, data.length / vectors],
    data,
  });
  const tensors = new Map([["clip_l", tensor(clip_l)], ["clip_g", tensor(clip_g)]]);
  return await safetensorsBytes(tensors, {
    format: "pt",
    "modelspec.architecture": "stable-diffusion-xl-v1-base/textual-inversion",
    "modelspec.title": trigger,
    [metadataKeys.baseModel]: places.model ?? String(configuration.model),
    [metadataKeys.trigger]: trigger,
    [metadataKeys.vectors]: String(vectors),
    [metadataKeys.step]: String(step),
    [metadataKeys.epoch]: String(epoch),
    [metadataKeys.configuration]: canonicalJson(configuration),
    [metadataKeys.configurationDigest]: digestJson(configuration),
    [metadataKeys.places]: canonicalJson(places),
    ...originsOf(run.inputs),
    [metadataKeys.tool]: run.tool,
  }, `${trigger}.safetensors`);
}
