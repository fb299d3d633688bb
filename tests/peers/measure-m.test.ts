// Measure M itself: a file that holds a word's own row is that word where the pooled text is taken at the
// end token, to the last digit; where it is taken at the placeholder, it is not. So the measure reads files
// and both rules right, and its differences are those of the files.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { TokenEmbeddings } from "../../engine/text/token-embeddings.ts";
import { loadTokenizer } from "../../engine/text/tokenizer.ts";
import { openModel } from "../../engine/weights/model.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { findPython } from "./find-python.ts";

const { python, skip } = findPython(["torch", "diffusers", "transformers", "PIL"]);
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test("a word and a file with its row: the same at the end token, another at the placeholder", {
  skip,
}, () =>
  withTemporaryFolder(async (folder) => {
    const model = await openModel(at("../../sample_data/tiny-sdxl"));
    const half = async (encoder: 0 | 1) => {
      const weights = encoder === 0 ? model.weights.textEncoder : model.weights.textEncoder2;
      const table = new TokenEmbeddings(
        weights.get("text_model.embeddings.token_embedding.weight")!,
      );
      const data = await table.row(loadTokenizer(model.tokenizers[encoder]).tokenId("gnome")!);
      return { dtype: "F32" as const, shape: [1, table.width], data };
    };
    const file = join(folder, "word.safetensors");
    await writeSafetensors(file, new Map([["clip_l", await half(0)], ["clip_g", await half(1)]]));
    const { status, stdout, stderr } = spawnSync(
      python,
      [at("./measure_m.py"), "--word", "gnome", file],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    const [word, row] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
    assert.equal(word.M.placeholder, word.M.end_token, "no placeholder in the caption");
    const [difference] = row.minusFirst.end_token;
    assert.ok(Math.abs(difference) < 1e-9, `${difference}`);
    assert.ok(Math.abs(row.minusFirst.placeholder[0]) > 1e-5);
  }));
