import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  copyOfA,
  fileOf,
  folders,
  golden,
  modelA,
  rewritten,
  root,
  singleA,
} from "./model.fixture.ts";
import { openModel } from "./model.ts";
import { networks } from "./required-tensors.ts";
import {
  readSafetensors,
  readTensor,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "model-")));
after(() => rm(folder, { recursive: true }));

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
  const parts = "text_encoder, text_encoder_2, unet, vae";
  assert.ok(notes.includes(`${parts}: the variant fp16, the only one there that fits`));
  assert.ok(notes.some((note) => /v_prediction.*scheduler_config/.test(note)));
  assert.deepEqual((await openModel(golden("b/model"), { variant: "fp16" })).notes.length, 1);
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
  await writeFile(
    join(snapshot, "unet/diffusion_pytorch_model.safetensors.index.fp16.json"),
    `{"weight_map": {"x": "a.safetensors", "x": "b.safetensors"}}`,
  );
  await assert.rejects(openModel(snapshot), { _tag: "WeightsFileFault", found: "x twice" });
});

test("the asked variant first, each component on its own", async () => {
  const copy = await copyOfA(folder, "variants");
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
  const copy = await copyOfA(folder, "lacking");
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
  const pickled = await copyOfA(folder, "pickled");
  await rename(join(pickled, fileOf("unet")), join(pickled, fileOf("unet", ".bin")));
  await assert.rejects(openModel(pickled), {
    found: /only .*\.bin, a pickle/,
    fix: /save_pretrained/,
  });
  const unindexed = await copyOfA(folder, "unindexed");
  const shard = "unet/diffusion_pytorch_model-00001-of-00002.safetensors";
  await rename(join(unindexed, fileOf("unet")), join(unindexed, shard));
  await assert.rejects(openModel(unindexed), {
    found: /-00001-of-00002.safetensors, but no index/,
  });
  await mkdir(join(folder, "outer"));
  await copyOfA(folder, "outer/inner");
  await assert.rejects(openModel(join(folder, "outer")), {
    found: "no unet/ in it",
    fix: /Name the folder in it, .*inner\./,
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
  const whole = await readFile(join(modelA, "unet/config.json"), "utf8");
  await writeFile(config, whole.replace("{", '{"in_channels": 9,'));
  await assert.rejects(openModel(copy), { found: /unet\/config\.json: in_channels twice/ });
});

test("missing, misshapen and integer tensors are all named", async () => {
  const copy = await copyOfA(folder, "wrong");
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
  const copy = await copyOfA(folder, "mixed");
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
  assert.deepEqual((await value(name, singleA)).values, wanted);
  const foreign = await value(name, golden("c/model"));
  assert.deepEqual(foreign.configs.vae.block_out_channels, [8, 8, 12]);
  assert.deepEqual((await value(name, golden("b/model/vae"))).configs.vae.scaling_factor, 0.5);
  const notes = async (vaeModel: string) => (await openModel(modelA, { vaeModel })).notes.at(-1)!;
  assert.match(await notes(golden("b/model/vae")), /scaling factor 0\.5 where .* own is 0\.13025/);
  assert.doesNotMatch(await notes(changed), /scaling/);
  await assert.rejects(value(name, join(modelA, fileOf("unet"))), {
    _tag: "ModelFault",
    found: /no tensors of a VAE/,
  });
  await assert.rejects(value(name, join(modelA, "unet")), { _tag: "ModelFault" });
});
