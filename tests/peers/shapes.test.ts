// SDXL's shape is not one shape: models of other levels, heads, widths, depths, vocabularies, storage and
// latent sizes than the golden ones, built at random by diffusers and transformers, which also compute
// the reference in float64 (make_case.py); every output of the probe must agree.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Device } from "../../engine/device/device.ts";
import { relativeError } from "../../engine/probe/compare.ts";
import { decodeProbeInputs } from "../../engine/probe/probe-inputs.ts";
import { probe } from "../../engine/probe/probe.ts";
import { Engine } from "../../engine/session/engine.ts";
import { openModel } from "../../engine/weights/model.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { findPython } from "./find-python.ts";
import { cases } from "./shapes.ts";

const { python, skip } = findPython(["torch", "diffusers", "transformers", "safetensors"]);
const root = fileURLToPath(new URL("../../", import.meta.url));
const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

const plans = ["A", "B", "C"] as const;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gnomic-shapes-"));
  if (skip === false) await makeCases(folder);
});
after(() => rm(folder, { recursive: true }));

async function makeCases(out: string): Promise<void> {
  const child = spawn(python, [join(root, "tests/peers/make_case.py"), out], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => errors += chunk);
  child.stdin.end(JSON.stringify(cases));
  const [code] = await once(child, "close");
  assert.equal(code, 0, errors.slice(-2000));
  for (const index of cases.keys()) {
    for (const tokenizer of ["tokenizer", "tokenizer_2"]) {
      await cp(
        join(root, "tests/golden/a/model", tokenizer),
        join(out, `${index}`, "model", tokenizer),
        {
          recursive: true,
        },
      );
    }
  }
}

for (const [index, { name }] of cases.entries()) {
  test(name, { skip }, async () => {
    const own = join(folder, `${index}`);
    const model = await openModel(join(own, "model"));
    const engine = new Engine({ model, device, compute: "float32", plan: plans[index % 3] });
    const file = join(own, "inputs.safetensors");
    const outputs = await probe(
      engine,
      decodeProbeInputs(await readSafetensors(file), model, file),
    );
    const expected = await readSafetensors(join(own, "expected.safetensors"));
    assert.deepEqual([...outputs.keys()].sort(), [...expected.keys()].sort());
    const wrong = [...expected].flatMap(([key, { shape, data }]) => {
      const { dims, data: computed } = outputs.get(key)!;
      assert.deepEqual(dims, shape, key);
      const error = relativeError(computed, data as Float32Array);
      return error <= (key.startsWith("grad") ? 2e-5 : 1e-5) ? [] : [`${key}: ${error}`];
    });
    assert.deepEqual(wrong, []);
  });
}
