// Names the network that a config.json belongs to when it is not SDXL's, from the few keys that tell
// them apart, so that a refusal can say "this looks like SD 1.5" and not only which key is wrong.
// The trap: Kolors has SDXL's widths and differs only in its text encoder, hence the order of checks.

import { textIn } from "../../lib/foreign-json.ts";

/** A short name such as "SD 1", or undefined when nothing known matches. */
export function otherModelKind(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const config = json as Readonly<Record<string, unknown>>;
  const name = textIn(config["_class_name"] ?? config["architectures"]);
  if (name.includes("SD3Transformer")) return "SD 3";
  if (name.includes("FluxTransformer")) return "Flux";
  if (name.startsWith("FlowMatch")) return "SD 3 or Flux";
  if (name.startsWith("EDM") || name.startsWith("CosineDPM")) {
    return "a model of the EDM formulation (Playground 2.5, CosXL)";
  }
  if (name.includes("ChatGLM") || config["encoder_hid_dim_type"] === "text_proj") return "Kolors";
  if (name.includes("T5")) return "a T5 text encoder";
  if (config["in_channels"] === 9) return "an inpainting model (9 input channels)";
  if (config["in_channels"] === 8 && config["out_channels"] === 4) {
    return "an instruct-pix2pix model (8 input channels)";
  }
  if (config["projection_class_embeddings_input_dim"] === 2560) return "the SDXL refiner";
  if (config["block_out_channels"] !== undefined && config["addition_embed_type"] == null) {
    if (config["cross_attention_dim"] === 768) return "SD 1";
    if (config["cross_attention_dim"] === 1024) return "SD 2";
    if (config["cross_attention_dim"] === 2048) return "SDXL without its text_time embedding";
  }
  return undefined;
}
