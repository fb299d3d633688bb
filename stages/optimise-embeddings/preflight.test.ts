// What is found out before anything runs: an embedding to begin with that the model cannot take.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Schema } from "effect";
import { modelA } from "../../engine/weights/model.fixture.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { offlineInputs } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { OptimiseOptions } from "./options.ts";
import { optimiseEmbeddings } from "./stage.ts";

test("the embedding to begin with has num_vectors rows of the model's widths", () =>
  withTemporaryFolder(async (folder) => {
    const rows = (width: number) =>
      ({ dtype: "F32", shape: [2, width], data: new Float32Array(2 * width) }) as const;
    const write = async (name: string, widths: readonly [number, number]) => {
      const file = join(folder, name);
      const [clip_l, clip_g] = widths.map(rows);
      await writeSafetensors(file, new Map([["clip_l", clip_l], ["clip_g", clip_g]]));
      return file;
    };
    const faults = async (initial_embedding_file: string, num_vectors: number) => {
      const options = Schema.decodeUnknownSync(OptimiseOptions)({
        ...{ seed: 1, model: modelA, initial_embedding_file, num_vectors },
        data_loader: { resolution: 64 },
      });
      const found = await Effect.runPromise(
        optimiseEmbeddings.preflight!(options, offlineInputs),
      );
      return found.map(({ message }) => message);
    };
    // Golden case a's text encoders, by its config files.
    const fitting = await write("fitting.safetensors", [32, 48]);
    assert.deepEqual(await faults(fitting, 2), []);
    assert.match((await faults(fitting, 1)).join(), /Set num_vectors to 2/);
    const foreign = await write("foreign.safetensors", [768, 1280]);
    assert.match((await faults(foreign, 2)).join(), /\[2,768\].*model of this width/);
    assert.match((await faults(join(folder, "none"), 2)).join(), /no such file/);
  }));
