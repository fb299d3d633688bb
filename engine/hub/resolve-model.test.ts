import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setInterval } from "node:timers";
import { nodeDisk } from "./cache-disk.ts";
import { type FakeHub, fakeHub, type FakeRepository, goodToken } from "./fake-hub.ts";
import { fakeSdxl } from "./fake-sdxl.ts";
import { hubTools } from "./hub-client.ts";
import {
  CacheStorageFault,
  HubAccessFault,
  HubContentFault,
  HubFileNotFound,
  HubUnreachable,
  ModelNameFault,
  NotInCache,
  RepositoryNotFound,
  RevisionNotFound,
} from "./hub-fault.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";
import type { HubProgress } from "./progress.ts";
import { locateModel, type ResolvedModel, resolveModel } from "./resolve-model.ts";

const id = "org/sdxl";
const tools = { ...hubTools, sleep: () => Promise.resolve() };

interface Scene {
  readonly server: FakeHub;
  readonly settings: HubSettings;
  readonly resolve: (
    name: string,
    options?: Parameters<typeof resolveModel>[1],
  ) => Promise<ResolvedModel>;
}

async function scene(
  run: (scene: Scene) => Promise<void>,
  repositories: Record<string, FakeRepository> = {},
  env: Record<string, string> = {},
): Promise<void> {
  const cacheDir = await mkdtemp(join(tmpdir(), "gnomic-hub-"));
  const server = await fakeHub({ [id]: { files: fakeSdxl(), tags: ["v1"] }, ...repositories });
  const settings = hubSettings({
    HF_HUB_CACHE: cacheDir,
    HF_HOME: cacheDir,
    HF_ENDPOINT: server.endpoint,
    ...env,
  });
  try {
    await run({
      server,
      settings,
      resolve: (name, options) => resolveModel(name, { settings, tools, ...options }),
    });
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true });
  }
}

/** Files below a folder, links followed. */
const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();

test("an id: only the needed files, in the layout of Python's library", () =>
  scene(async ({ server, settings, resolve }) => {
    const { path, commit, kind } = await resolve(id);
    assert.equal(commit, server.commitOf(id));
    assert.equal(kind, "folder");
    const repo = join(settings.cacheDir, "models--org--sdxl");
    assert.equal(path, join(repo, "snapshots", commit!));
    assert.equal(await readFile(join(repo, "refs", "main"), "utf8"), commit);

    const files = await filesBelow(path);
    assert.equal(files.length, 18);
    assert.ok(!files.some((name) => /fp16|onnx|vae_1_0|sd_xl|README/.test(name)));
    for (const name of files) {
      const pointer = join(path, name);
      const up = name.split("/").map(() => "..").join("/");
      assert.equal(await readlink(pointer), `${up}/../blobs/${server.etagOf(id, name)}`);
      assert.ok(Buffer.from(fakeSdxl()[name] as Uint8Array).equals(await readFile(pointer)), name);
    }
    const blobs = await readdir(join(repo, "blobs"));
    assert.deepEqual(blobs.sort(), [...new Set(files.map((f) => server.etagOf(id, f)))].sort());
    const locks = await filesBelow(join(settings.cacheDir, ".locks"));
    assert.deepEqual(locks, []);
  }));

test("nothing comes twice: not the same again, not what another variant or tag shares", () =>
  scene(async ({ server, resolve }) => {
    await resolve(id);
    const first = server.served.length;
    await resolve(id);
    await resolve(id, { revision: "v1" });
    assert.equal(server.served.length, first);
    await resolve(id, { variant: "fp16" });
    const second = server.served.slice(first);
    assert.equal(second.length, 4);
    assert.ok(second.every((path) => path.endsWith(".fp16.safetensors")), String(second));
  }));

test("a commit that is whole needs no hub at all, until another variant is asked for", () =>
  scene(async ({ server, resolve, settings }) => {
    const { path, commit } = await resolve(id);
    const requests = server.seen.length;
    assert.equal((await resolve(id, { revision: commit })).path, path);
    assert.equal(server.seen.length, requests);
    await resolve(id, { revision: commit, variant: "bf16" });
    assert.ok(server.seen.length > requests);
    const after = server.seen.length;
    await resolve(id, { revision: commit, variant: "bf16" });
    assert.equal(server.seen.length, after, ".no_exist remembers that there is no bf16");
    const absent = join(settings.cacheDir, "models--org--sdxl", ".no_exist", commit!, "unet");
    assert.deepEqual(await readdir(absent), ["diffusion_pytorch_model.bf16.safetensors"]);
  }));

test("offline: what is in the cache is found, what is not is said", () =>
  scene(async ({ server, settings, resolve }) => {
    assert.deepEqual(await locateModel(id, { settings }), {
      id,
      revision: "main",
      notDownloaded: [],
    });
    await assert.rejects(
      resolve(id, { offline: true }),
      (fault) =>
        fault instanceof NotInCache && /HF_HUB_OFFLINE/.test(fault.fix) && /path/.test(fault.fix),
    );
    const { path, commit } = await resolve(id);
    const [requests, served] = [server.seen.length, server.served.length];
    for (const choice of [{}, { variant: "fp16" }, { revision: commit! }]) {
      const located = await locateModel(id, { settings, ...choice });
      assert.deepEqual(located, { path, commit, kind: "folder" });
      assert.deepEqual(await resolve(id, { offline: true, ...choice }), located);
    }
    await rm(join(path, "unet", "diffusion_pytorch_model.safetensors"));
    await rm(join(path, "vae", "config.json"));
    assert.deepEqual(await locateModel(id, { settings }), {
      id,
      revision: "main",
      notDownloaded: ["unet/diffusion_pytorch_model.safetensors", "vae/config.json"],
    });
    assert.equal(server.seen.length, requests);
    await resolve(id);
    assert.equal(server.served.length, served, "links are made anew, nothing is downloaded");
  }));

test("the hub can't be reached: the cache serves, and says so", () =>
  scene(async ({ server, resolve }) => {
    const { path } = await resolve(id);
    await server.close();
    const again = await resolve(id);
    assert.equal(again.path, path);
    assert.match(again.note!, /could not be asked.*commit [0-9a-f]{40}/);
    await assert.rejects(resolve("org/other"), HubUnreachable);
  }));

test("a repository's metadata: a cut or busy answer is asked for again, another kind refused", () =>
  scene(async ({ server, resolve }) => {
    server.mishaps.set("api", [{ status: 503 }, { cutAfter: 5 }, { status: 429 }]);
    await resolve(id);
    server.mishaps.set("api", [{ status: 200 }]);
    await assert.rejects(resolve("org/x"), /answer of another kind.*HF_ENDPOINT/);
  }));

test("progress counts the bytes of the whole job, to the end", () =>
  scene(async ({ resolve }) => {
    const seen: HubProgress[] = [];
    let clock = 0;
    await resolve(id, {
      onProgress: (progress) => seen.push(progress),
      tools: { ...tools, now: () => clock += 100 },
    });
    const total = Object.entries(fakeSdxl())
      .filter(([path]) => /^(?:text_enc|token|unet\/(?!model)|vae\/|sched)/.test(path))
      .filter(([path]) => !path.includes("fp16"))
      .reduce((sum, [, content]) => sum + Buffer.from(content as Uint8Array).length, 0);
    const last = seen.at(-1)!;
    assert.deepEqual({ done: last.done, total: last.total }, { done: total, total });
    assert.ok(seen.every(({ done }, i) => i === 0 || done >= seen[i - 1].done));
    assert.ok(last.bytesPerSecond > 0 && last.etaSeconds === 0);
    const middle = seen.find(({ etaSeconds, bytesPerSecond }) =>
      bytesPerSecond > 0 && etaSeconds! > 0
    )!;
    assert.equal(middle.etaSeconds, (total - middle.done) / middle.bytesPerSecond);
  }));

test("one file of a repository, by id or by address", () =>
  scene(async ({ server, resolve, settings }) => {
    const { path, kind } = await resolve(`${id}/unet/model.onnx`);
    assert.equal(kind, "single-file");
    assert.deepEqual(
      await readFile(path),
      Buffer.from(fakeSdxl()["unet/model.onnx"] as Uint8Array),
    );
    const address = `${server.endpoint}/${id}/resolve/v1/sd_xl_base.safetensors`;
    const single = await resolve(address);
    assert.ok(single.path.endsWith("sd_xl_base.safetensors"));
    assert.deepEqual(server.served, ["unet/model.onnx", "sd_xl_base.safetensors"]);
    assert.deepEqual(await locateModel(address, { settings }), single);
    const located = await locateModel(id, { settings, revision: "v1" });
    assert.ok("notDownloaded" in located, "a lone file is not the model");
    await assert.rejects(
      resolve(`${id}/sub/sd_xl_bose.safetensors`),
      (fault) => fault instanceof HubFileNotFound,
    );
    await assert.rejects(
      resolve(`${address.replace("base", "bose")}`),
      /There is sd_xl_base\.safetensors/,
    );
  }));

test("a repository that is one file stays that offline; a VAE's own and a model's", () =>
  scene(async ({ resolve, settings }) => {
    const { path, commit } = await resolve("org/one");
    assert.ok(path.endsWith("xl.safetensors"));
    assert.deepEqual(await locateModel("org/one", { settings }), {
      path,
      commit,
      kind: "single-file",
    });
    const own = await resolve("org/vae", { vae: true, variant: "fp16" });
    assert.deepEqual(await filesBelow(own.path), [
      "config.json",
      "diffusion_pytorch_model.safetensors",
    ]);
    const part = await resolve(id, { vae: true, variant: "fp16" });
    assert.deepEqual(await filesBelow(part.path), [
      "config.json",
      "diffusion_pytorch_model.fp16.safetensors",
    ]);
    assert.deepEqual(await locateModel(id, { settings, vae: true, variant: "fp16" }), part);
  }, {
    "org/one": { files: { "xl.safetensors": "x", "README.md": "" } },
    "org/vae": {
      files: { "config.json": "{}", "diffusion_pytorch_model.safetensors": "v", "README.md": "" },
    },
  }));

test("refused before the weights come: another kind of model, pickles, hostile paths", () =>
  scene(async ({ server, resolve }) => {
    await assert.rejects(resolve("org/sd15"), HubContentFault);
    await assert.rejects(resolve("org/pickle"), /Pickle files/);
    assert.deepEqual(server.served, ["model_index.json"]);
    await assert.rejects(resolve("org/evil"), /relative paths/);
    await assert.rejects(
      resolve("org/torn"),
      (fault) => fault instanceof HubContentFault && /JSON/.test(fault.message),
    );
  }, {
    "org/sd15": {
      files: { "model_index.json": `{"_class_name":"StableDiffusionPipeline"}`, "unet/x": "" },
    },
    "org/pickle": { files: { "sd.ckpt": "x" } },
    "org/evil": { files: { "../../evil.safetensors": "x" } },
    "org/torn": { files: { "model_index.json": "{" } },
  }));

test("gated and private repositories: how to get in", async () => {
  const repositories = {
    "org/gated": { files: fakeSdxl(), access: "gated" },
    "org/private": { files: fakeSdxl(), access: "private" },
  } as const;
  await scene(async ({ resolve, server }) => {
    await assert.rejects(
      resolve("org/gated"),
      (fault) =>
        fault instanceof HubAccessFault && fault.kind === "user" && /no token/.test(fault.found) &&
        fault.fix.includes(`${server.endpoint}/org/gated`) && /HF_TOKEN/.test(fault.fix),
    );
    await assert.rejects(
      resolve("org/private"),
      (fault) => fault instanceof RepositoryNotFound && /HF_TOKEN/.test(fault.fix),
    );
  }, repositories);
  await scene(
    async ({ resolve }) => {
      for (const name of ["org/gated", "org/private"]) {
        await assert.rejects(
          resolve(name),
          (fault) => fault instanceof HubAccessFault && !fault.message.includes("hf_expired"),
        );
      }
    },
    repositories,
    { HF_TOKEN: "hf_expired" },
  );
  await scene(
    async ({ resolve, server }) => {
      await resolve("org/gated");
      await resolve("org/private");
      assert.ok(
        server.seen.every(({ server, authorization }) =>
          authorization === (server === "hub" ? `Bearer ${goodToken}` : undefined)
        ),
      );
      await assert.rejects(
        resolve("org/missing"),
        (fault) => fault instanceof RepositoryNotFound && /this token/.test(fault.found),
      );
    },
    repositories,
    { HF_TOKEN: goodToken },
  );
});

test("a revision that is not there: the nearest, and a word about variants", () =>
  scene(async ({ resolve }) => {
    await assert.rejects(
      resolve(id, { revision: "v2" }),
      (fault) =>
        fault instanceof RevisionNotFound && /There is v1/.test(fault.fix) &&
        /variant/.test(fault.fix),
    );
    await assert.rejects(resolve(id, { revision: "fp16" }), /There are main, v1/);
  }));

test("a path wins over an id; a mistyped one is told from both sides", () =>
  scene(async ({ resolve, server, settings }) => {
    const folder = join(settings.cacheDir, "mine");
    await mkdir(join(folder, "my-model"), { recursive: true });
    await writeFile(join(folder, "xl.safetensors"), "");
    assert.deepEqual(await resolve(join(folder, "my-model")), {
      path: join(folder, "my-model"),
      kind: "folder",
    });
    assert.deepEqual(await locateModel(join(folder, "xl.safetensors"), { settings }), {
      path: join(folder, "xl.safetensors"),
      kind: "single-file",
    });
    for (const [wrong, hint] of [["my-modle", "my-model"], ["x1.safetensors", "xl.safetensors"]]) {
      await assert.rejects(
        resolve(join(folder, wrong)),
        (fault) => fault instanceof ModelNameFault && fault.fix.includes(hint),
      );
    }
    await assert.rejects(resolve("https://example.com/xl.safetensors"), /Download it yourself/);
    assert.equal(server.seen.length, 0);

    // An id by its looks, a path by what was meant; tests run in the project's folder.
    await assert.rejects(
      resolve("sample_data/tiny-sdlx"),
      (fault) =>
        fault instanceof RepositoryNotFound && /no such path, and on the hub/.test(fault.found) &&
        /there is tiny-sdxl/.test(fault.fix) && /spelling/.test(fault.fix),
    );
  }));

test("a read-only cache: enough when all is there, a clear fault when not", () =>
  scene(async ({ resolve }) => {
    const refuse = () => Promise.reject(Object.assign(new Error("EROFS"), { code: "EROFS" }));
    const disk = { ...nodeDisk, makeFolder: refuse, openPartial: refuse, rename: refuse };
    const readOnly = { tools: { ...tools, disk } };
    await assert.rejects(
      resolve(id, readOnly),
      (fault) => fault instanceof CacheStorageFault && /read-only/.test(fault.found),
    );
    const { path } = await resolve(id);
    assert.equal((await resolve(id, readOnly)).path, path);
  }));

test("a disk too small is told before anything comes", () =>
  scene(async ({ resolve, server }) => {
    const disk = { ...nodeDisk, freeBytes: () => Promise.resolve(5000) };
    await assert.rejects(resolve(id, { tools: { ...tools, disk } }), (fault) =>
      fault instanceof CacheStorageFault && /disk space/.test(fault.wanted));
    assert.deepEqual(server.served, ["model_index.json"]);
  }));

test("without links the snapshot holds the files themselves", () =>
  scene(
    async ({ resolve, server, settings }) => {
      const { path } = await resolve(id);
      for (const name of await filesBelow(path)) {
        assert.ok((await lstat(join(path, name))).isFile());
        assert.ok(
          Buffer.from(fakeSdxl()[name] as Uint8Array).equals(await readFile(join(path, name))),
        );
      }
      await resolve(id);
      assert.equal(server.served.length, 18);
      assert.equal((await locateModel(id, { settings }) as ResolvedModel).path, path);
    },
    {},
    { HF_HUB_DISABLE_SYMLINKS: "1" },
  ));

test("a broken link and a file of the wrong size are made good", () =>
  scene(async ({ resolve, settings, server }) => {
    const { path } = await resolve(id);
    const unet = "unet/diffusion_pytorch_model.safetensors";
    const blob = join(settings.cacheDir, "models--org--sdxl", "blobs", server.etagOf(id, unet));
    await rm(blob);
    await rm(join(path, "vae/config.json"));
    await symlink("nowhere", join(path, "vae/config.json"));
    const located = await locateModel(id, { settings });
    assert.deepEqual("notDownloaded" in located && located.notDownloaded, [
      unet,
      "vae/config.json",
    ]);
    await resolve(id);
    await writeFile(blob, "short");
    await resolve(id);
    for (const name of [unet, "vae/config.json"]) {
      assert.ok(
        Buffer.from(fakeSdxl()[name] as Uint8Array).equals(await readFile(join(path, name))),
      );
    }
  }));

test("two processes at once: every blob comes once, both find it whole", () =>
  scene(async ({ server, settings }) => {
    // One of them is still busy when the other wants the same file.
    const listings = () => server.seen.filter(({ path }) => path.includes("/tree/")).length;
    const hold = new Promise<void>((resolve) => {
      const watch = setInterval(() => {
        if (listings() < 2 * 5) return;
        clearInterval(watch);
        setTimeout(resolve, 500);
      }, 20).unref();
    });
    server.mishaps.set("unet/diffusion_pytorch_model.safetensors", [{ hold }]);
    const module = new URL("./resolve-model.ts", import.meta.url).href;
    const program = `const { resolveModel } = await import(${JSON.stringify(module)});
      console.log((await resolveModel(${JSON.stringify(id)})).path);`;
    const how = "Deno" in globalThis ? ["eval"] : ["--input-type=module", "--eval"];
    const run = async (): Promise<string> => {
      const child = spawn(process.execPath, [...how, program], {
        cwd: new URL("../..", import.meta.url),
        env: { ...process.env, HF_HUB_CACHE: settings.cacheDir, HF_ENDPOINT: server.endpoint },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.on("data", (chunk) => text += chunk);
      const [code] = await once(child, "close");
      assert.equal(code, 0);
      return text.trim();
    };
    const [one, two] = await Promise.all([run(), run()]);
    assert.equal(one, two);
    assert.deepEqual([...server.served].sort(), [...new Set(server.served)].sort());
    for (const name of await filesBelow(one)) {
      assert.ok(
        Buffer.from(fakeSdxl()[name] as Uint8Array).equals(await readFile(join(one, name))),
      );
    }
  }));
