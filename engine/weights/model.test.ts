import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openModel } from "./model.ts";
import { networks } from "./required-tensors.ts";
import {
  readSafetensors,
  readTensor,
  type TensorToWrite,
  writeSafetensors,
} from "./safetensors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const golden = (name: string) => join(root, "tests/golden", name);
const modelA = golden("a/model");

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "model-")));
after(() => rm(folder, { recursive: true }));

const folders = {
  textEncoder: "text_encoder",
  textEncoder2: "text_encoder_2",
  unet: "unet",
  vae: "vae",
};
const stems = {
  textEncoder: "model",
  textEncoder2: "model",
  unet: "diffusion_pytorch_model",
  vae: "diffusion_pytorch_model",
};
const fileOf = (network: typeof networks[number], suffix = ".safetensors") =>
  `${folders[network]}/${stems[network]}${suffix}`;

async function copyOfA(name: string): Promise<string> {
  const copy = join(folder, name);
  await cp(modelA, copy, { recursive: true });
  return copy;
}

/** A copy of a .safetensors file with some tensors changed, renamed or left out. */
async function rewritten(
  from: string,
  to: string,
  change: (name: string, tensor: TensorToWrite) => readonly (readonly [string, TensorToWrite])[],
): Promise<void> {
  const tensors = await readSafetensors(from);
  await writeSafetensors(
    to,
    new Map([...tensors].flatMap(([name, tensor]) => change(name, tensor))),
  );
}

for (
  const path of [modelA, golden("b/model"), golden("c/model"), join(root, "sample_data/tiny-sdxl")]
) {
  test(`opens ${path.slice(root.length)}: the views hold what the files hold`, async () => {
    const model = await openModel(path);
    assert.equal(model.kind, "folder");
    for (const network of networks) {
      const isB = path.endsWith("b/model");
      const stored = await readSafetensors(
        join(path, fileOf(network, isB ? ".fp16.safetensors" : undefined)),
      );
      assert.equal(model.weights[network].size, stored.size);
      for (const [name, view] of model.weights[network]) {
        assert.equal(view.name, name);
        const flat = isB && network === "textEncoder" ? name.replace("text_model.", "") : name;
        assert.deepEqual(await readTensor(view), stored.get(flat)!.data);
      }
    }
  });
}

test("a folder says which variants it had to take, and what it predicts", async () => {
  const { notes } = await openModel(golden("b/model"));
  assert.equal(notes.filter((note) => note.includes("variant fp16")).length, 4);
  assert.ok(notes.some((note) => /v_prediction.*scheduler_config/.test(note)));
  assert.deepEqual((await openModel(golden("b/model"), { variant: "fp16" })).notes.length, 1);
});

test("the single file of case a holds the same numbers as its folder, by views alone", async () => {
  const single = await openModel(golden("a/single_file.safetensors"), { modelConfig: modelA });
  const fromFolder = await openModel(modelA);
  assert.equal(single.kind, "single-file");
  assert.deepEqual(single.configs, fromFolder.configs);
  for (const network of networks) {
    assert.deepEqual([...single.weights[network].keys()], [...fromFolder.weights[network].keys()]);
    for (const [name, view] of single.weights[network]) {
      const other = fromFolder.weights[network].get(name)!;
      assert.deepEqual(view.shape, other.shape, name);
      assert.deepEqual(await readTensor(view), await readTensor(other), name);
      assert.ok(view.file.endsWith("single_file.safetensors"));
    }
  }
  assert.equal(single.weights.textEncoder2.get("text_projection.weight")!.transposed, true);
});

test("a projection named as in Hugging Face's layout is not turned", async () => {
  const file = join(folder, "projection.safetensors");
  await rewritten(golden("a/single_file.safetensors"), file, (name, tensor) => {
    if (!name.endsWith("text_projection")) return [[name, tensor]];
    const shape = [...tensor.shape].reverse();
    return [[`${name}.weight`, { ...tensor, shape }]];
  });
  const { weights } = await openModel(file, { modelConfig: modelA });
  assert.notEqual(weights.textEncoder2.get("text_projection.weight")!.transposed, true);
});

test("other prefixes and diffusers' names in one file", async () => {
  const file = join(folder, "diffusers-single.safetensors");
  const prefixes = { textEncoder: "te1.", textEncoder2: "te2.", unet: "unet.", vae: "vae." };
  const tensors = new Map<string, TensorToWrite>();
  for (const network of networks) {
    for (const [name, tensor] of await readSafetensors(join(modelA, fileOf(network)))) {
      tensors.set(prefixes[network] + name, tensor);
    }
  }
  await writeSafetensors(file, tensors);
  const model = await openModel(file, { modelConfig: modelA });
  const other = await openModel(modelA);
  for (const network of networks) {
    for (const [name, view] of model.weights[network]) {
      assert.deepEqual(await readTensor(view), await readTensor(other.weights[network].get(name)!));
    }
  }
});

test("extra tensors of real files are ignored", async () => {
  const file = join(folder, "extras.safetensors");
  const scalar = { dtype: "F32", shape: [], data: Float32Array.of(1) } as const;
  const extras = [
    "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
    "conditioner.embedders.1.model.logit_scale",
    "denoiser.sigmas",
    "betas",
    "alphas_cumprod",
    "model_ema.decay",
    "model.diffusion_model.time_embed.cond_proj.weight",
  ];
  let first = true;
  await rewritten(golden("a/single_file.safetensors"), file, (name, tensor) => {
    const added = first ? extras.map((extra) => [extra, scalar] as const) : [];
    first = false;
    return [[name, tensor], ...added];
  });
  const model = await openModel(file, { modelConfig: modelA });
  assert.ok(!model.weights.unet.has("time_embedding.cond_proj.weight"));
});

test("the markers of v-prediction files", async () => {
  const marked = async (markers: readonly string[], metadata: Record<string, string>) => {
    const file = join(folder, "marked.safetensors");
    const tensors = await readSafetensors(golden("a/single_file.safetensors"));
    const marker = { dtype: "F32", shape: [0], data: new Float32Array(0) } as const;
    const all = [...tensors, ...markers.map((name) => [name, marker] as const)];
    await writeSafetensors(file, new Map<string, TensorToWrite>(all), metadata);
    const { configs, notes } = await openModel(file, { modelConfig: modelA });
    const { prediction_type, rescale_betas_zero_snr } = configs.scheduler;
    return [
      prediction_type,
      rescale_betas_zero_snr,
      notes.find((note) => note.startsWith("prediction")),
    ];
  };
  const [prediction, zero, note] = await marked(["v_pred", "ztsnr"], {});
  assert.deepEqual([prediction, zero], ["v_prediction", true]);
  assert.match(String(note), /v_pred.*ztsnr/);
  assert.deepEqual(
    (await marked(["v_pred"], { "modelspec.prediction_type": "epsilon" })).slice(0, 2),
    ["v_prediction", false],
  );
  assert.deepEqual((await marked([], { "modelspec.predict_key": "v" })).slice(0, 2), [
    "v_prediction",
    false,
  ]);
  assert.deepEqual((await marked([], { "modelspec.prediction_type": "epsilon" }))[0], "epsilon");
});

test("shards in both styles, a symlinked cache, old VAE names, an encoder without its prefix", async () => {
  const other = await openModel(modelA);
  const cache = join(folder, "models--owner--name");
  const snapshot = join(cache, "snapshots/0123");
  await mkdir(join(cache, "blobs"), { recursive: true });
  await cp(modelA, snapshot, { recursive: true });
  const shard = async (
    network: "unet" | "textEncoder2",
    names: readonly string[],
    index: string,
  ) => {
    const tensors = [...await readSafetensors(join(modelA, fileOf(network)))];
    const half = Math.floor(tensors.length / 2);
    await rm(join(snapshot, fileOf(network)));
    const map: Record<string, string> = {};
    for (const [i, part] of [tensors.slice(0, half), tensors.slice(half)].entries()) {
      await writeSafetensors(join(snapshot, folders[network], names[i]), new Map(part));
      for (const [name] of part) map[name] = names[i];
    }
    await writeFile(
      join(snapshot, folders[network], index),
      JSON.stringify({ metadata: {}, weight_map: map }),
    );
  };
  await shard(
    "unet",
    [1, 2].map((i) => `diffusion_pytorch_model.fp16-0000${i}-of-00002.safetensors`),
    "diffusion_pytorch_model.safetensors.index.fp16.json",
  );
  await shard(
    "textEncoder2",
    [1, 2].map((i) => `model-0000${i}-of-00002.fp16.safetensors`),
    "model.fp16.safetensors.index.json",
  );
  const blob = join(cache, "blobs/abc");
  await rewritten(join(modelA, fileOf("vae")), blob, (name, tensor) => {
    const old = name
      .replace(".attentions.0.to_q.", ".attentions.0.query.")
      .replace(".attentions.0.to_k.", ".attentions.0.key.")
      .replace(".attentions.0.to_v.", ".attentions.0.value.")
      .replace(".attentions.0.to_out.0.", ".attentions.0.proj_attn.");
    return [[old, tensor]];
  });
  await rm(join(snapshot, fileOf("vae")));
  await symlink("../../../blobs/abc", join(snapshot, fileOf("vae")));
  const model = await openModel(snapshot, { variant: "fp16" });
  for (const network of networks) {
    assert.deepEqual([...model.weights[network].keys()], [...other.weights[network].keys()]);
    for (const [name, view] of model.weights[network]) {
      assert.deepEqual(await readTensor(view), await readTensor(other.weights[network].get(name)!));
    }
  }
  assert.ok([...model.weights.vae.values()].every(({ file }) => file.endsWith("/blobs/abc")));

  await rm(join(snapshot, "unet/diffusion_pytorch_model.fp16-00002-of-00002.safetensors"));
  await assert.rejects(openModel(snapshot), {
    _tag: "WeightsFileFault",
    found: /no .*00002-of-00002/,
  });
  await writeFile(
    join(snapshot, "unet/diffusion_pytorch_model.safetensors.index.fp16.json"),
    JSON.stringify({ weight_map: { x: "../../../vae/diffusion_pytorch_model.safetensors" } }),
  );
  await assert.rejects(openModel(snapshot), {
    _tag: "WeightsFileFault",
    found: /not a name in its folder/,
  });
});

test("the asked variant first, each component on its own", async () => {
  const copy = await copyOfA("variants");
  await cp(join(copy, fileOf("unet")), join(copy, fileOf("unet", ".fp16.safetensors")));
  await rename(join(copy, fileOf("vae")), join(copy, fileOf("vae", ".bf16.safetensors")));
  const files = async (variant?: string) => {
    const { weights } = await openModel(copy, variant === undefined ? {} : { variant });
    return networks.map((network) => /[^/]*$/.exec([...weights[network].values()][0].file)![0]);
  };
  const rest = "model.safetensors";
  assert.deepEqual(await files(), [
    rest,
    rest,
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.bf16.safetensors",
  ]);
  assert.deepEqual(await files("fp16"), [
    rest,
    rest,
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.bf16.safetensors",
  ]);
});

test("a folder that lacks parts names them all", async () => {
  const copy = await copyOfA("lacking");
  await rm(join(copy, "tokenizer_2"), { recursive: true });
  await rm(join(copy, "vae/config.json"));
  await rm(join(copy, fileOf("unet")));
  await writeFile(join(copy, "unet/diffusion_pytorch_model.bin"), "PK");
  await assert.rejects(openModel(copy), (error: { found: string; _tag: string }) => {
    assert.equal(error._tag, "ModelFault");
    assert.match(error.found, /tokenizer_2: neither/);
    assert.match(error.found, /vae\/config\.json: no such file/);
    assert.match(error.found, /diffusion_pytorch_model\.bin, a pickle/);
    return true;
  });
  await mkdir(join(folder, "empty"));
  await assert.rejects(openModel(join(folder, "empty")), { _tag: "ModelFault" });
  await assert.rejects(openModel(join(folder, "absent")), {
    _tag: "WeightsFileFault",
    found: "no such file",
  });
  const config = join(copy, "unet/config.json");
  await writeFile(config, "{");
  await assert.rejects(openModel(copy), { found: /unet\/config\.json: text that is not JSON/ });
});

test("missing, misshapen and integer tensors are all named", async () => {
  const copy = await copyOfA("wrong");
  await rewritten(join(modelA, fileOf("unet")), join(copy, fileOf("unet")), (name, tensor) => {
    if (name === "conv_out.bias") return [];
    if (name === "conv_in.bias") {
      return [[name, { dtype: "I32", shape: [16], data: new Int32Array(16) }]];
    }
    const shape = tensor.shape.length === 1 ? [1, tensor.shape[0]] : tensor.shape;
    return [[name, name === "conv_norm_out.weight" ? { ...tensor, shape } : tensor]];
  });
  const file = join(copy, fileOf("unet"));
  await assert.rejects(openModel(copy), (error: { found: string; tensor: string }) => {
    assert.equal(error.tensor, "conv_in.bias");
    assert.ok(error.found.includes(`${file} conv_in.bias: dtype I32`));
    assert.ok(error.found.includes(`${file} conv_norm_out.weight: shape [1,16]`));
    assert.ok(error.found.includes(`${file} conv_out.bias: no such tensor`));
    return true;
  });
});

test("networks that do not belong together are refused", async () => {
  const copy = await copyOfA("mixed");
  await rm(join(copy, "text_encoder_2"), { recursive: true });
  await cp(golden("c/model/text_encoder_2"), join(copy, "text_encoder_2"), { recursive: true });
  await assert.rejects(openModel(copy), {
    _tag: "ModelFault",
    found: /cross_attention_dim is 80.*64/,
  });
});

test("another VAE: a folder, a folder with vae/, a file, a whole checkpoint", async () => {
  const own = await openModel(modelA);
  const value = async (name: string, vaeModel: string) => {
    const { weights, configs } = await openModel(modelA, { vaeModel });
    const view = weights.vae.get(name)!;
    return { values: await readTensor(view), file: view.file, configs };
  };
  const name = "decoder.mid_block.attentions.0.to_q.weight";
  const wanted = await readTensor(own.weights.vae.get(name)!);
  const changed = join(folder, "vae-only.safetensors");
  await rewritten(join(modelA, fileOf("vae")), changed, (name, tensor) => [[name, {
    ...tensor,
    data: (tensor.data as Float32Array).map((x) => 2 * x),
  }]]);
  assert.deepEqual((await value(name, changed)).values, wanted.map((x) => 2 * x));
  assert.deepEqual((await value(name, golden("a/single_file.safetensors"))).values, wanted);
  const foreign = await value(name, golden("c/model"));
  assert.deepEqual(foreign.configs.vae.block_out_channels, [8, 8, 12]);
  assert.deepEqual((await value(name, golden("b/model/vae"))).configs.vae.scaling_factor, 0.5);
  await assert.rejects(value(name, join(modelA, fileOf("unet"))), {
    _tag: "ModelFault",
    found: /no tensors of a VAE/,
  });
  await assert.rejects(value(name, join(modelA, "unet")), { _tag: "ModelFault" });
});

test("a file without VAE or text encoders says what to give, and takes it", async () => {
  const unetOnly = join(folder, "unet-only.safetensors");
  await rewritten(golden("a/single_file.safetensors"), unetOnly, (name, tensor) => {
    const prefix = "model.diffusion_model.";
    return name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [];
  });
  await assert.rejects(openModel(unetOnly), {
    _tag: "ModelFault",
    found: "no text_encoder, text_encoder_2, vae",
    fix: /vae_model.*model_config/,
  });
  const filled = await openModel(unetOnly, { modelConfig: modelA });
  assert.equal(filled.notes.filter((note) => note.includes("not in the file")).length, 3);
  assert.ok(
    [...filled.weights.unet.values()].every(({ file }) => file.endsWith("unet-only.safetensors")),
  );
});

test("a single file of another shape than SDXL base's, without model_config", async () => {
  await assert.rejects(
    openModel(golden("a/single_file.safetensors")),
    (error: { found: string; fix: string }) => {
      assert.match(error.found, /shape \[979,32\] where the configs say \[49408,768\]/);
      assert.match(error.found, /and \d+ more$/);
      assert.match(error.fix, /model_config/);
      return true;
    },
  );
});

test("a single file cut short", async () => {
  const cut = join(folder, "cut.safetensors");
  const bytes = await readFile(golden("a/single_file.safetensors"));
  await writeFile(cut, bytes.subarray(0, bytes.length - 1000));
  await assert.rejects(openModel(cut, { modelConfig: modelA }), {
    _tag: "WeightsFileFault",
    found: /cut short/,
  });
});

test("things that people take for an SDXL model", async () => {
  const one = { dtype: "F16", shape: [1, 768], data: new Float32Array(768) } as const;
  const file = async (name: string, names: readonly string[], ending = ".safetensors") => {
    const path = join(folder, name + ending);
    await writeSafetensors(path, new Map(names.map((key) => [key, one])));
    return path;
  };
  const found = (path: string, found: RegExp, fix = /./) =>
    assert.rejects(openModel(path), { _tag: "ModelFault", kind: "user", file: path, found, fix });
  await found(
    await file("lora", ["lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"]),
    /looks like a LoRA/,
    /SDXL model itself/,
  );
  await found(await file("embedding", ["clip_l", "clip_g"]), /textual-inversion embedding/);
  const sd1 = [
    "input_blocks.0.0.weight",
    "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
  ];
  await found(
    await file("sd1", sd1.map((name) => `model.diffusion_model.${name}`)),
    /looks like SD 1/,
  );
  await found(await file("nothing", ["x"]), /^no text_encoder, text_encoder_2, unet, vae$/);
  await found(await file("edm", ["edm_mean"]), /EDM/);
  const pickle = join(folder, "model.ckpt");
  await writeFile(pickle, "PK\x03\x04 and so on");
  await assert.rejects(openModel(pickle), {
    _tag: "WeightsFileFault",
    found: /pickle/,
    fix: /convert/,
  });

  const sd15 = await copyOfA("sd15");
  await rm(join(sd15, "text_encoder_2"), { recursive: true });
  await writeFile(
    join(sd15, "model_index.json"),
    JSON.stringify({ _class_name: "StableDiffusionPipeline" }),
  );
  const config = { block_out_channels: [320, 640, 1280, 1280], cross_attention_dim: 768 };
  await writeFile(join(sd15, "unet/config.json"), JSON.stringify(config));
  await found(sd15, /a StableDiffusionPipeline.*no such file.*looks like SD 1/);
  await found(join(modelA, "unet"), /no unet\/ in it/, /Name the file/);
  await mkdir(join(folder, "models--x--y/snapshots"), { recursive: true });
  await found(join(folder, "models--x--y"), /no unet\/ in it/, /snapshots/);
});
