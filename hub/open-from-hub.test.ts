// What the hub brings is what openModel opens: the cache's links, the variant, another VAE, one file.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Model, openModel } from "../engine/weights/model.ts";
import { readTensor } from "../lib/safetensors/safetensors.ts";
import { hubSettings } from "./hub-settings.ts";
import { resolveModel } from "./resolve-model.ts";
import { fakeHub } from "./testing/fake-hub.ts";

const golden = (path: string) => fileURLToPath(new URL(`../tests/golden/${path}`, import.meta.url));

async function filesOf(folder: string): Promise<Record<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) =>
    join(entry.parentPath, entry.name)
  );
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [
      file.slice(folder.length + 1).replaceAll("\\", "/"),
      await readFile(file),
    ])),
  );
}

async function assertSameWeights(found: Model, expected: Model): Promise<void> {
  for (const network of ["textEncoder", "textEncoder2", "unet", "vae"] as const) {
    assert.deepEqual([...found.weights[network].keys()], [...expected.weights[network].keys()]);
    for (const [name, view] of [...found.weights[network]].slice(0, 20)) {
      const other = expected.weights[network].get(name)!;
      assert.deepEqual(await readTensor(view), await readTensor(other), name);
    }
  }
}

test("models of the hub open as the folders and files they are copies of", async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "gnomic-hub-"));
  const [a, b] = await Promise.all([filesOf(golden("a/model")), filesOf(golden("b/model"))]);
  const vae = Object.entries(a).filter(([path]) => path.startsWith("vae/"))
    .map(([path, bytes]) => [path.slice(4), bytes]);
  const server = await fakeHub({
    "org/a": { files: a },
    "org/b": { files: b },
    "org/vae": { files: Object.fromEntries(vae) },
    "org/one": {
      files: { "one.safetensors": await readFile(golden("a/single_file.safetensors")) },
    },
  });
  const settings = hubSettings({
    HF_HUB_CACHE: cacheDir,
    HF_HOME: cacheDir,
    HF_ENDPOINT: server.endpoint,
  });
  try {
    const path = async (id: string, choice = {}) =>
      (await resolveModel(id, { settings, ...choice })).path;
    await assertSameWeights(
      await openModel(await path("org/a")),
      await openModel(golden("a/model")),
    );
    const fp16 = { variant: "fp16" };
    await assertSameWeights(
      await openModel(await path("org/b", fp16), fp16),
      await openModel(golden("b/model"), fp16),
    );
    await path("org/b");
    const modelConfig = golden("a/model");
    await assertSameWeights(
      await openModel(await path("org/one"), { modelConfig }),
      await openModel(golden("a/single_file.safetensors"), { modelConfig }),
    );
    for (const id of ["org/vae", "org/a"]) {
      const vaeModel = await path(id, { vae: true });
      await assertSameWeights(
        await openModel(await path("org/a"), { vaeModel }),
        await openModel(golden("a/model"), { vaeModel: golden("a/model/vae") }),
      );
    }
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true });
  }
});
