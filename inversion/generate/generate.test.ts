// What a request is told of its model, and what is refused before any weight is read.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { copyOfA, fileOf, modelA, rewritten, singleA } from "../../engine/weights/model.fixture.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { generate } from "./generate.ts";
import type { GenerateRequest } from "./request.ts";

/** What is said until the pictures are made, or the fault. */
async function drawing(out: string, more: Partial<GenerateRequest>) {
  const said: string[] = [];
  const request: GenerateRequest = {
    ...{ prompt: "a gnome", negative: null, embeddings: [], model: modelA, modelConfig: null },
    ...{ as: null },
    ...{ vae: null, sampler: "ddpm", steps: 1, guidance: 1, seed: 0, size: [16, 16], count: 1 },
    ...{ format: "png", out, provider: "cpu", threads: 1 },
    ...more,
  };
  const listener = { say: (text: string) => said.push(text), progress: () => {}, made: () => {} };
  const fault = await Effect.runPromise(Effect.match(generate(request, listener), {
    onFailure: ({ message }) => message,
    onSuccess: () => "",
  }));
  return { said: said.join("\n"), fault };
}

test("what a single file is taken for, and a schedule that a sampler cannot begin on", () =>
  withTemporaryFolder(async (folder) => {
    const model = join(folder, "marked.safetensors");
    const marker = { dtype: "F32", shape: [0], data: new Float32Array(0) } as const;
    let first = true;
    await rewritten(singleA, model, (name, tensor) => {
      const markers = first ? [["v_pred", marker] as const, ["ztsnr", marker] as const] : [];
      first = false;
      return [[name, tensor], ...markers];
    });
    const marked = await drawing(folder, { model, modelConfig: modelA });
    assert.equal(marked.fault, "");
    assert.match(marked.said, /^model: .*v_prediction, from .*v_pred; zero terminal SNR/m);
    const { said, fault } = await drawing(folder, { sampler: "ddim", steps: 2000 });
    assert.match(said, /prediction: epsilon, from scheduler/);
    assert.match(fault, /2000/);
  }));

test("what is too long for the model is said, of what is not wanted too", () =>
  withTemporaryFolder(async (folder) => {
    const long = (word: string) => `${word} `.repeat(90);
    const { said } = await drawing(folder, { prompt: long("a"), negative: long("b"), guidance: 2 });
    assert.match(said, /^The prompt is \d+ tokens too long/m);
    assert.match(said, /^The negative prompt is \d+ tokens too long/m);
    assert.doesNotMatch((await drawing(folder, {})).said, /too long/);
  }));

test("an embedding whose configuration cannot be read is not drawn by other settings than its own", () =>
  withTemporaryFolder(async (folder) => {
    const row = (width: number) =>
      ({ dtype: "F32", shape: [1, width], data: new Float32Array(width).fill(0.1) }) as const;
    const file = join(folder, "zq_hat.safetensors");
    await writeSafetensors(file, new Map([["clip_l", row(32)], ["clip_g", row(48)]]), {
      "gnomic.base_model": modelA,
      "gnomic.configuration": '{"weight_dtype":"int4"}',
    });
    const request = { prompt: "a zq_hat", embeddings: [file] };
    const { fault } = await drawing(folder, { ...request, model: null });
    assert.match(fault, /zq_hat.*wanted the configuration.*--model/);
    assert.equal((await drawing(folder, request)).fault, "");
  }));

test("a broken tokenizer is told as such, not as a word that should be another", () =>
  withTemporaryFolder(async (folder) => {
    const model = await copyOfA(folder, "model");
    await writeFile(join(model, "tokenizer/vocab.json"), "{");
    const { fault } = await drawing(folder, { model });
    assert.match(fault, /vocab\.json: wanted a CLIP tokenizer's file/);
  }));

test("a picture of values that are no numbers is not drawn black", () =>
  withTemporaryFolder(async (folder) => {
    const vae = join(folder, "vae.safetensors");
    await rewritten(join(modelA, fileOf("vae")), vae, (name, tensor) => [[name, {
      ...tensor,
      data: (tensor.data as Float32Array).map((value) => 1e30 * value),
    }]]);
    const { fault } = await drawing(folder, { vae });
    assert.match(fault, /"a gnome", found values that are not numbers.*sdxl-vae-fp16-fix/);
  }));
