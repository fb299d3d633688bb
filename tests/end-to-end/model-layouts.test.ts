// The same model as people have it: a diffusers folder, a single file in the original layout, a folder in
// shards with an index, a file without a VAE and the VAE beside it. Each trains to the same rows.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  readSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, refusalOf, root, runIn, trainingIn } from "./project.ts";

const golden = join(root, "tests", "golden", "a");
const folderModel = join(golden, "model");
const singleFile = join(golden, "single_file.safetensors");

/** Trains and gives the bytes of the embedding's tensors: all behind the header. */
async function rowsOf(place: string, model: object): Promise<string> {
  mkdirSync(place);
  const short = { max_train_steps: 3, fixed_loss_every: null, validation_prompts: [] };
  const { code, stdout, stderr } = await gnomic(trainingIn(place, { ...short, ...model }));
  assert.equal(code, 0, stdout + stderr);
  const bytes = readFileSync(join(runIn(place), "bruce_the_gnome.safetensors"));
  const rows = bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  assert.equal(rows.length, 4 * 2 * (32 + 48));
  return rows.toString("base64");
}

async function inShards(to: string): Promise<string> {
  cpSync(folderModel, to, { recursive: true });
  const name = "diffusion_pytorch_model";
  const whole = join(to, "unet", `${name}.safetensors`);
  const tensors = [...(await readSafetensors(whole))];
  rmSync(whole);
  const map: Record<string, string> = {};
  for (const [i, start] of [0, 100].entries()) {
    const shard = `${name}-0000${i + 1}-of-00002.safetensors`;
    const part = tensors.slice(start, start === 0 ? 100 : undefined);
    for (const [tensor] of part) map[tensor] = shard;
    await writeSafetensors(join(to, "unet", shard), new Map<string, TensorToWrite>(part));
  }
  const index = JSON.stringify({ metadata: {}, weight_map: map });
  writeFileSync(join(to, "unet", `${name}.safetensors.index.json`), index);
  return to;
}

/** Those tensors of the single file whose names do, or do not, begin so. */
async function part(to: string, prefix: string, has: boolean): Promise<string> {
  const all = await readSafetensors(singleFile);
  const kept = [...all].filter(([name]) => name.startsWith(prefix) === has);
  await writeSafetensors(to, new Map<string, TensorToWrite>(kept));
  return to;
}

test("one model in four layouts trains to the same rows", () =>
  withTemporaryFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    const [one, two] = await Promise.all([
      rowsOf(at("folder"), { model: folderModel }),
      rowsOf(at("single"), { model: singleFile, model_config: folderModel }),
    ]);
    assert.equal(two, one);

    // Its VAE comes from nowhere but the file that is named for it.
    const configs = at("configs");
    cpSync(folderModel, configs, { recursive: true });
    rmSync(join(configs, "vae", "diffusion_pytorch_model.safetensors"));
    const withoutVae = {
      model: await part(at("without-vae.safetensors"), "first_stage_model.", false),
      model_config: configs,
    };
    const vae = await part(at("vae.safetensors"), "first_stage_model.", true);
    const [three, four, said] = await Promise.all([
      rowsOf(at("shards"), { model: await inShards(at("sharded-model")) }),
      rowsOf(at("vae"), { ...withoutVae, vae_model: vae }),
      refusalOf(trainingIn(folder, withoutVae)),
    ]);
    assert.deepEqual([three, four], [one, one]);
    assert.match(said, /without-vae\.safetensors: .*no vae\..*`vae_model`/);
  }));
