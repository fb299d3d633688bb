import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { copyOfA, fileOf, modelA, rewritten, singleA } from "./model.fixture.ts";
import { openModel } from "./model.ts";
import { readThrough } from "./read-through.ts";
import { networks } from "./required-tensors.ts";
import {
  readSafetensors,
  readTensor,
  type TensorToWrite,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "model-")));
after(() => rm(folder, { recursive: true }));

test("the single file of case a holds the same numbers as its folder, by views alone", async () => {
  const single = await openModel(singleA, { modelConfig: modelA });
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
  await rewritten(singleA, file, (name, tensor) => {
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
  await rewritten(singleA, file, (name, tensor) => {
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
    const tensors = await readSafetensors(singleA);
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
  const [alone, zeroAlone, said] = await marked(["ztsnr"], {});
  assert.deepEqual([alone, zeroAlone], ["epsilon", true]);
  assert.match(String(said), /epsilon.*no marker for it; zero terminal SNR.*ztsnr/);
});

test("a file without VAE or text encoders says what to give, and takes it", async () => {
  const unetOnly = join(folder, "unet-only.safetensors");
  await rewritten(singleA, unetOnly, (name, tensor) => {
    const prefix = "model.diffusion_model.";
    return name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [];
  });
  await assert.rejects(openModel(unetOnly), {
    _tag: "ModelFault",
    found: "no text_encoder, text_encoder_2, vae",
    fix: /^Name the SDXL model that it is made for as `model_config`/,
  });
  const filled = await openModel(unetOnly, { modelConfig: modelA });
  assert.equal(filled.notes.filter((note) => note.includes("not in the file")).length, 3);
  assert.ok(
    [...filled.weights.unet.values()].every(({ file }) => file.endsWith("unet-only.safetensors")),
  );
});

test("a model_config does not make a model of a file without a UNet", async () => {
  const one = { dtype: "F32", shape: [1], data: Float32Array.of(1) } as const;
  for (
    const [name, found] of [
      ["lora_unet_input_blocks_4_1_proj_in.lora_down.weight", /looks like a LoRA/],
      ["clip_g", /textual-inversion embedding/],
      ["model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", /looks like SD 3/],
      ["first_stage_model.encoder.conv_in.bias", /^no unet$/],
    ] as const
  ) {
    const file = join(folder, "no-unet.safetensors");
    await writeSafetensors(file, new Map([[name, one]]));
    await assert.rejects(openModel(file, { modelConfig: modelA }), {
      _tag: "ModelFault",
      file,
      found,
    });
  }
});

test("a tensor that a single file lacks is told with its network", async () => {
  const file = join(folder, "pruned.safetensors");
  await rewritten(
    singleA,
    file,
    (name, tensor) => /position|text_projection/.test(name) ? [] : [[name, tensor]],
  );
  await assert.rejects(openModel(file, { modelConfig: modelA }), (error: { found: string }) => {
    const embeddings = "text_model.embeddings.position_embedding.weight: no such tensor";
    assert.deepEqual(error.found.split("; "), [
      `text_encoder.${embeddings}`,
      `text_encoder_2.${embeddings}`,
      "text_encoder_2.text_projection.weight: no such tensor",
    ]);
    return true;
  });
});

test("a file of the hub's cache is called by its name, not by its blob's", async () => {
  const blob = join(folder, "0f3a");
  await rewritten(singleA, blob, (name, tensor) => name.endsWith("bias") ? [] : [[name, tensor]]);
  const name = join(folder, "linked.safetensors");
  await symlink(blob, name);
  await assert.rejects(openModel(name, { modelConfig: modelA }), {
    file: name,
    found: /^(?!.*0f3a)/,
  });
});

test("a model_config that is no folder", async () => {
  await assert.rejects(openModel(singleA, { modelConfig: singleA }), {
    _tag: "ModelFault",
    found: "a file, which holds no configs",
  });
  await assert.rejects(openModel(singleA, { modelConfig: join(folder, "nowhere") }), {
    _tag: "WeightsFileFault",
    wanted: /model_config/,
    found: "no such file",
  });
});

test("what is recognised is said in one line, whatever else does not fit", async () => {
  const refiner = join(folder, "refiner.safetensors");
  await rewritten(singleA, refiner, (name, tensor) => {
    if (!name.endsWith("label_emb.0.0.weight")) {
      return name.endsWith("bias") ? [] : [[name, tensor]];
    }
    return [[name, { dtype: "F32", shape: [1, 2560], data: new Float32Array(2560) }]];
  });
  await assert.rejects(openModel(refiner, { modelConfig: modelA }), {
    _tag: "ModelFault",
    wanted: "an SDXL model",
    found: /^what looks like the SDXL refiner; [^;]*$/,
  });
});

test("a single file of another shape than SDXL base's, without model_config", async () => {
  await assert.rejects(
    openModel(singleA),
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
  const bytes = await readFile(singleA);
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
  const peft = await file("peft", ["unet.down_blocks.1.attentions.0.proj_in.lora_A.weight"]);
  await found(peft, /looks like a LoRA/);
  const sd1 = [
    "input_blocks.0.0.weight",
    "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
  ];
  await found(
    await file("sd1", sd1.map((name) => `model.diffusion_model.${name}`)),
    /looks like SD 1/,
  );
  await found(await file("nothing", ["x", "y"]), /^no text_encoder, text_encoder_2, unet, vae$/);
  await found(await file("edm", ["edm_mean"]), /EDM/);
  const pickle = join(folder, "model.ckpt");
  await writeFile(pickle, "PK\x03\x04 and so on");
  await assert.rejects(openModel(pickle), {
    _tag: "WeightsFileFault",
    found: /pickle/,
    fix: /convert/,
  });

  const sd15 = await copyOfA(folder, "sd15");
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

/** The single file of case a with other names or metadata, opened beside its folder's configs. */
async function renamed(
  name: string,
  rename: (stored: string) => string,
  metadata: Record<string, string> = {},
) {
  const file = join(folder, `${name}.safetensors`);
  const stored = await readSafetensors(singleA);
  await writeSafetensors(
    file,
    new Map([...stored].map(([each, tensor]) => [rename(each), tensor])),
    metadata,
  );
  return await openModel(file, { modelConfig: modelA });
}

const unet = "model.diffusion_model.";
const sdcpp = (name: string) =>
  name.replace("conditioner.embedders.0.transformer", "cond_stage_model.transformer")
    .replace("conditioner.embedders.1.model", "cond_stage_model.1.model");
const wrappings: Record<string, (name: string) => string> = {
  orig_mod: (name) => name.replace(unet, `${unet}_orig_mod.`),
  module: (name) => `module.${name}`,
  state_dict: (name) => `state_dict.module.${name}`,
  fsdp: (name) => name.replace(".input_blocks.", "._fsdp_wrapped_module.input_blocks."),
  sdcpp,
  deeper: (name) => name.startsWith(unet) ? `model.${name}` : name,
};

for (const [name, rename] of Object.entries(wrappings)) {
  test(`all four networks come from the file itself: ${name}`, async () => {
    const { files, weights } = await renamed(name, rename);
    const other = await openModel(singleA, { modelConfig: modelA });
    for (const network of networks) {
      assert.ok(files[network].every((file) => file.endsWith(`${name}.safetensors`)), network);
      const [first] = weights[network].keys();
      assert.deepEqual(
        await readTensor(weights[network].get(first)!),
        await readTensor(other.weights[network].get(first)!),
      );
    }
  });
}

test("text encoders that are in the file and cannot be told apart are not replaced by others", async () => {
  const strange = (name: string) =>
    name.replace(/^conditioner\.embedders\.1\.model\.(.*resblocks|token)/, "first.$1");
  await assert.rejects(
    renamed("strange", (name) => strange(name).replace("resblocks.0.ln_1", "blocks.0.ln_1")),
    { _tag: "ModelFault", message: /text_encoder_2 under names that are known/ },
  );
});

test("a file that says it predicts neither noise nor v is refused", async () => {
  for (const said of ["flow", "sample", "velocity", "rectified_flow"]) {
    await assert.rejects(
      renamed("predicts", (name) => name, { "modelspec.prediction_type": said }),
      { _tag: "ModelFault", message: new RegExp(`predicts "${said}"`) },
    );
  }
  for (const [said, wanted] of [["eps", "epsilon"], ["vpred", "v_prediction"], ["", "epsilon"]]) {
    const model = await renamed("predicts", (name) => name, { "modelspec.prediction_type": said });
    assert.equal(model.configs.scheduler.prediction_type, wanted);
  }
});

/** Gives one tensor of a file another dtype and, at its end, eight bytes of one that nobody needs. */
async function withOddType(name: string, needed: string | null): Promise<string> {
  const bytes = await readFile(singleA);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const data = bytes.subarray(8 + length);
  header["extra.freqs"] = {
    dtype: "C64",
    shape: [1],
    data_offsets: [data.length, data.length + 8],
  };
  if (needed !== null) header[needed].dtype = "F8_E4M3FNUZ";
  const json = Buffer.from(JSON.stringify(header));
  const lead = Buffer.alloc(8);
  lead.writeBigUInt64LE(BigInt(json.length));
  const file = join(folder, `${name}.safetensors`);
  await writeFile(file, Buffer.concat([lead, json, data, Buffer.alloc(8)]));
  return file;
}

test("a tensor of an exotic dtype is in nobody's way unless it is needed", async () => {
  const file = await withOddType("exotic", null);
  const { weights } = await openModel(file, { modelConfig: modelA });
  assert.ok(weights.unet.size > 0);
  const { finite } = await readThrough(file, new AbortController().signal);
  assert.equal(finite, true);
  const bad = await withOddType("exotic-needed", `${unet}out.2.bias`);
  await assert.rejects(openModel(bad, { modelConfig: modelA }), /dtype F8_E4M3FNUZ, not a float/);
});
