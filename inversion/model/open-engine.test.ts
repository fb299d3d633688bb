import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import type { Engine } from "../../engine/session/engine.ts";
import { copyOfA, fileOf, modelA, rewritten } from "../../engine/weights/model.fixture.ts";
import { openModel } from "../../engine/weights/model.ts";
import type { TensorToWrite } from "../../lib/safetensors/safetensors.ts";
import { memoryTools } from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { openEngine } from "./open-engine.ts";

const choice = {
  provider: "cpu",
  threads: 1,
  weight_dtype: "float32",
  work: { plans: [], sizes: [{ height: 2, width: 2 }], batch: 1 },
} as const;

const spoilt = (tensor: TensorToWrite): TensorToWrite => {
  const data = (tensor.data as Float32Array).slice();
  data[7] = NaN;
  return { ...tensor, data };
};

test("NaN weights are refused by file and tensor, every time; a NaN that no network wants is not", () =>
  withTemporaryFolder(async (folder) => {
    const copy = await copyOfA(folder, "model");
    const file = join(copy, fileOf("vae"));
    const open = async () => {
      const model = await openModel(copy);
      await Effect.runPromise(Effect.scoped(openEngine(model, choice, memoryTools())));
    };
    const wanted = "decoder.conv_in.weight";
    await rewritten(
      file,
      file,
      (name, tensor) =>
        name === wanted
          ? [[name, tensor], ["nobody.wants.this", spoilt(tensor)]]
          : [[name, tensor]],
    );
    await open();
    await rewritten(file, file, (name, tensor) => [
      [name, name === wanted ? spoilt(tensor) : tensor],
    ]);
    for (const _ of ["first", "second"]) {
      await assert.rejects(open(), {
        _tag: "WeightsNotFinite",
        kind: "user",
        file,
        tensor: wanted,
        found: /value 7/,
      });
    }
  }));

test("one engine serves all who ask for the same, and is closed when the last has left", async () => {
  const model = await openModel(modelA);
  const open = (threads: number) => openEngine(model, { ...choice, threads }, memoryTools());
  const ids = [Array.from({ length: 77 }, () => 1)];
  const text = { ids1: ids, ids2: ids, rows1: [], rows2: [] };
  const encoded = (engine: Engine) => Effect.promise(() => engine.encodeText(text));
  const left = await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const [first, second] = yield* Effect.all([open(1), open(1)], { concurrency: 2 });
    assert.equal(second, first);
    assert.notEqual(yield* Effect.scoped(open(2)), first, "other threads give other last bits");
    assert.equal(yield* Effect.scoped(open(1)), first);
    yield* encoded(first);
    return first;
  })));
  await assert.rejects(left.encodeText(text));
  const later = await Effect.runPromise(Effect.scoped(Effect.tap(open(1), encoded)));
  assert.notEqual(later, left);
});
