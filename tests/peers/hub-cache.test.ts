// One cache folder for gnomic and Python's huggingface_hub and diffusers: what either brought in the
// other finds, offline and without a second download. Python downloads from the same fake hub, which
// also shows that the fake answers as Python expects of huggingface.co.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cacheRoot, type HubSettings, hubSettings } from "../../hub/hub-settings.ts";
import { locateModel, resolveModel } from "../../hub/resolve-model.ts";
import { type FakeHub, fakeHub } from "../../hub/testing/fake-hub.ts";
import { fakeSdxl } from "../../hub/testing/fake-sdxl.ts";
import { findPython } from "./find-python.ts";

const { python, skip } = findPython(["huggingface_hub", "diffusers"]);
const id = "org/sdxl";

interface HubFixture {
  readonly server: FakeHub;
  readonly settings: HubSettings;
  /** Runs a program that prints one line of JSON. */
  readonly ask: (program: string, env?: Record<string, string>) => Promise<any>;
}

async function runPython(program: string, env: Record<string, string | undefined>): Promise<any> {
  const child = spawn(python, ["-c", `import json\n${program}`], {
    env: { ...process.env, HF_HUB_DISABLE_XET: "1", HF_HUB_DISABLE_TELEMETRY: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, errors] = ["", ""];
  child.stdout.on("data", (chunk) => out += chunk);
  child.stderr.on("data", (chunk) => errors += chunk);
  const [code] = await once(child, "close");
  assert.equal(code, 0, errors);
  return JSON.parse(out.trim().split("\n").at(-1) ?? "");
}

async function fixture(run: (fixture: HubFixture) => Promise<void>): Promise<void> {
  const cacheDir = await mkdtemp(join(tmpdir(), "gnomic-peers-hub-"));
  const server = await fakeHub({ [id]: { files: fakeSdxl(), tags: ["v1"] } });
  const env = { HF_HUB_CACHE: cacheDir, HF_HOME: cacheDir, HF_ENDPOINT: server.endpoint };
  try {
    await run({
      server,
      settings: hubSettings(env),
      ask: (program, more) => runPython(program, { ...env, ...more }),
    });
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true });
  }
}

test(
  "Python finds what gnomic downloaded, offline and online",
  { skip },
  () =>
    fixture(async ({ server, settings, ask }) => {
      const { path, commit } = await resolveModel(id, { settings, variant: "fp16" });
      const served = server.served.length;
      const offline = await ask(
        `
from huggingface_hub import snapshot_download, try_to_load_from_cache, scan_cache_dir
from diffusers import DiffusionPipeline
absent = try_to_load_from_cache("${id}", "unet/diffusion_pytorch_model.fp64.safetensors")
scan = scan_cache_dir()
print(json.dumps([
  snapshot_download("${id}", local_files_only=True),
  snapshot_download("${id}", revision="${commit}", local_files_only=True),
  try_to_load_from_cache("${id}", "unet/diffusion_pytorch_model.fp16.safetensors"),
  absent is None,
  DiffusionPipeline.download("${id}", variant="fp16", local_files_only=True),
  [str(warning) for warning in scan.warnings],
  [len(revision.files) for repo in scan.repos for revision in repo.revisions],
  [sorted(revision.refs) for repo in scan.repos for revision in repo.revisions],
]))`,
        { HF_HUB_OFFLINE: "1" },
      );
      const unet = join(path, "unet/diffusion_pytorch_model.fp16.safetensors");
      assert.deepEqual(offline, [path, path, unet, true, path, [], [18], [["main"]]]);
      assert.equal(server.served.length, served);

      const online = await ask(`
from huggingface_hub import snapshot_download
print(json.dumps(snapshot_download("${id}", allow_patterns=["unet/*.fp16.safetensors", "*/config.json"])))`);
      assert.equal(online, path);
      assert.deepEqual(server.served.slice(served), [], "vae_1_0/config.json shares its blob");
    }),
);

test(
  "Python knows that a variant does not exist, from .no_exist",
  { skip },
  () =>
    fixture(async ({ settings, ask }) => {
      const { commit } = await resolveModel(id, { settings, variant: "fp64" });
      const absent = await ask(`
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.file_download import _CACHED_NO_EXIST
name = "unet/diffusion_pytorch_model.fp64.safetensors"
print(json.dumps([try_to_load_from_cache("${id}", name, revision=r) is _CACHED_NO_EXIST for r in ["main", "${commit}"]]))`);
      assert.deepEqual(absent, [true, true]);
    }),
);

for (const links of ["linked", "moved"]) {
  test(
    `gnomic finds what Python downloaded (${links})`,
    { skip },
    () =>
      fixture(async ({ server, settings, ask }) => {
        const env: Record<string, string> = links === "moved"
          ? { HF_HUB_DISABLE_SYMLINKS: "1" }
          : {};
        const path = await ask(
          `
from huggingface_hub import snapshot_download
# One at a time: without links, Python's workers take a blob that two files share from one another.
print(json.dumps(snapshot_download("${id}", allow_patterns=["*.json", "*.txt", "*.fp16.safetensors"], max_workers=1)))`,
          env,
        );
        const commit = server.commitOf(id);
        const expected = { path, commit, kind: "folder" };
        assert.deepEqual(await locateModel(id, { settings, variant: "fp16" }), expected);
        const served = server.served.length;
        assert.deepEqual(await resolveModel(id, { settings, variant: "fp16" }), expected);
        assert.equal(server.served.length, served);
        const plain = await locateModel(id, { settings });
        assert.deepEqual("notDownloaded" in plain && plain.notDownloaded, [
          "text_encoder/model.safetensors",
          "text_encoder_2/model.safetensors",
          "unet/diffusion_pytorch_model.safetensors",
          "vae/diffusion_pytorch_model.safetensors",
        ], "Python's listing of the commit says that there are plain ones");
        await resolveModel(id, { settings });
        assert.equal(server.served.length, served + 4);
      }),
  );
}

test(
  "a download of diffusers is whole for gnomic",
  { skip },
  () =>
    fixture(async ({ server, settings, ask }) => {
      const path = await ask(`
from diffusers import DiffusionPipeline
print(json.dumps(DiffusionPipeline.download("${id}", variant="fp16")))`);
      const served = server.served.length;
      assert.equal((await resolveModel(id, { settings, variant: "fp16" })).path, path);
      assert.equal(server.served.length, served);
      const blobs = await readdir(join(settings.cacheDir, "models--org--sdxl", "blobs"));
      assert.ok(!blobs.some((name) => name.includes("incomplete")));
    }),
);

test("both read the same cache folder from the same variables", { skip }, async () => {
  const clean = { HF_HUB_CACHE: undefined, HUGGINGFACE_HUB_CACHE: undefined, HF_HOME: undefined };
  const cases: Record<string, string>[] = [
    {},
    { XDG_CACHE_HOME: "/x/cache" },
    { XDG_CACHE_HOME: "/x/cache", HF_HOME: "/x/$WHERE/home", WHERE: "there" },
    { HF_HOME: "~/hf", HUGGINGFACE_HUB_CACHE: "/x/old" },
    { HUGGINGFACE_HUB_CACHE: "/x/old", HF_HUB_CACHE: "~/hub" },
  ];
  const program = `
from huggingface_hub import constants
print(json.dumps(constants.HF_HUB_CACHE))`;
  for (const env of cases) {
    assert.equal(
      cacheRoot(env),
      await runPython(program, { ...clean, XDG_CACHE_HOME: undefined, ...env }),
    );
  }
});
