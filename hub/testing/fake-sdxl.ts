// For tests: the files of a diffusers SDXL repository by name, with made-up bytes for weights. Small, but
// with what the real one has: files nobody needs, a folder that no component names, two variants.

const component = (...names: string[]) => names;

/** Bytes that differ by name and never repeat within a file. */
export function fakeWeights(name: string, length: number): Uint8Array {
  let state = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

export function fakeSdxl(length = 3000): Record<string, string | Uint8Array> {
  const weights = [
    "text_encoder/model",
    "text_encoder_2/model",
    "unet/diffusion_pytorch_model",
    "vae/diffusion_pytorch_model",
    "vae_1_0/diffusion_pytorch_model",
  ];
  const files: Record<string, string | Uint8Array> = {
    "README.md": "# a model",
    "sd_xl_base.safetensors": fakeWeights("single", length),
    "sd_xl_offset_lora.safetensors": fakeWeights("lora", 100),
    "vae_1_0/config.json": "{}",
    "scheduler/scheduler_config.json": JSON.stringify({ prediction_type: "epsilon" }),
    "unet/model.onnx": fakeWeights("onnx", 200),
    "model_index.json": JSON.stringify({
      _class_name: "StableDiffusionXLPipeline",
      _diffusers_version: "0.19.0",
      force_zeros_for_empty_prompt: true,
      scheduler: component("diffusers", "EulerDiscreteScheduler"),
      text_encoder: component("transformers", "CLIPTextModel"),
      text_encoder_2: component("transformers", "CLIPTextModelWithProjection"),
      tokenizer: component("transformers", "CLIPTokenizer"),
      tokenizer_2: component("transformers", "CLIPTokenizer"),
      unet: component("diffusers", "UNet2DConditionModel"),
      vae: component("diffusers", "AutoencoderKL"),
    }),
  };
  for (const folder of ["text_encoder", "text_encoder_2", "unet", "vae"]) {
    files[`${folder}/config.json`] = JSON.stringify({ folder });
  }
  for (const folder of ["tokenizer", "tokenizer_2"]) {
    files[`${folder}/vocab.json`] = "{}";
    files[`${folder}/merges.txt`] = "#version: 0.2\n";
    files[`${folder}/tokenizer_config.json`] = JSON.stringify({ folder });
    files[`${folder}/special_tokens_map.json`] = "{}";
  }
  for (const path of weights) {
    files[`${path}.safetensors`] = fakeWeights(path, length);
    files[`${path}.fp16.safetensors`] = fakeWeights(`${path}16`, length / 2);
  }
  return files;
}
