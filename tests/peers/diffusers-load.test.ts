// diffusers' load_textual_inversion reads the pair that `embedding convert` makes of a checkpoint's file,
// into an SDXL pipeline, and the rows of its text encoders are then the file's, bit for bit.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { checkEmbedding } from "../../inversion/embedding/check-embedding.ts";
import { convertEmbedding } from "../../inversion/embedding/convert-embedding.ts";
import { embeddingBytes } from "../../stages/checkpoint/embedding-bytes.ts";
import { findPython } from "./find-python.ts";

const { python, skip } = findPython(["diffusers"]);

const program = `
import json, sys
import safetensors.torch
import torch
from diffusers import StableDiffusionXLPipeline
model, one, first, second, token, vectors, out = sys.argv[1:8]
# The stored type would be taken otherwise, and float16 rounds the rows.
pipe = StableDiffusionXLPipeline.from_pretrained(model, torch_dtype=torch.float32)
encoders = [(pipe.text_encoder, pipe.tokenizer, first), (pipe.text_encoder_2, pipe.tokenizer_2, second)]
try:
    pipe.load_textual_inversion(one, text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer)
    refused = False
except (ValueError, AttributeError):
    refused = True
rows, prompts = {}, []
for i, (encoder, tokenizer, file) in enumerate(encoders):
    pipe.load_textual_inversion(file, text_encoder=encoder, tokenizer=tokenizer)
    names = [token] + [f"{token}_{k}" for k in range(1, int(vectors))]
    ids = tokenizer.convert_tokens_to_ids(names)
    rows[str(i)] = encoder.get_input_embeddings().weight.data[ids].float().contiguous()
    prompt = pipe.maybe_convert_prompt(f"a photo of {token}", tokenizer)
    seen = tokenizer(prompt)["input_ids"]
    prompts.append([k in seen for k in ids])
safetensors.torch.save_file(rows, out)
print(json.dumps([refused, prompts]))
`;

for (const model of ["sample_data/tiny-sdxl", "tests/golden/a/model"]) {
  test(`the converted pair gives the same rows in ${model}`, { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "gnomic-peers-diffusers-"));
    try {
      const path = fileURLToPath(new URL(`../../${model}`, import.meta.url));
      const widths = await Promise.all(["text_encoder", "text_encoder_2"].map(async (part) => {
        const weights = await readSafetensors(join(path, part, "model.safetensors"));
        return weights.get("text_model.embeddings.token_embedding.weight")!.shape[1];
      }));
      const vectors = 3;
      const values = (width: number, phase: number) =>
        Float32Array.from({ length: vectors * width }, (_, i) => Math.fround(Math.sin(i + phase)));
      const [clip_l, clip_g] = [values(widths[0], 1), values(widths[1], 2)];
      const one = join(folder, "bruce_x.safetensors");
      const run = { configuration: { model }, places: {}, inputs: {}, tool: "gnomic" };
      const facts = { trigger: "bruce_x", step: 1, epoch: 1, run };
      await writeFile(one, await embeddingBytes({ clip_l, clip_g }, vectors, facts));

      const { files, token } = await convertEmbedding(one);
      const out = join(folder, "rows.safetensors");
      const { status, stdout, stderr } = spawnSync(
        python,
        ["-c", program, path, one, ...files, token, String(vectors), out],
        { encoding: "utf8" },
      );
      assert.equal(status, 0, stderr);
      const [refused, prompts] = JSON.parse(stdout.trim().split("\n").at(-1)!);
      const { clientResults } = await checkEmbedding(one);
      const said = clientResults.find(({ client }) => client === "diffusers")!.loads;
      assert.deepEqual([refused, said], [true, "no"]);
      assert.deepEqual(prompts, [[true, true, true], [true, true, true]]);
      const rows = await readSafetensors(out);
      assert.deepEqual(rows.get("0")!.data, clip_l);
      assert.deepEqual(rows.get("1")!.data, clip_g);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
