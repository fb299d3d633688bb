import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setInterval } from "node:timers";
import { nodeDisk } from "./cache-disk.ts";
import { CacheStorageFault, HubUnreachable, NotInCache } from "./hub-fault.ts";
import { locateModel, type ResolvedModel } from "./resolve-model.ts";
import { fakeSdxl } from "./testing/fake-sdxl.ts";
import { filesBelow, fixture, id, tools } from "./testing/hub-fixture.ts";

test("an id: only the needed files, in the layout of Python's library", () =>
  fixture(async ({ server, settings, resolve }) => {
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
  fixture(async ({ server, resolve }) => {
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
  fixture(async ({ server, resolve, settings }) => {
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
  fixture(async ({ server, settings, resolve }) => {
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
  fixture(async ({ server, resolve }) => {
    const { path } = await resolve(id);
    await server.close();
    const again = await resolve(id);
    assert.equal(again.path, path);
    assert.match(again.note!, /could not be asked.*commit [0-9a-f]{40}/);
    // It may have been a path; tests run in the project's folder.
    await assert.rejects(
      resolve("sample_data/tiny-sdlx"),
      (fault) =>
        fault instanceof HubUnreachable && /^no such path, and no connection/.test(fault.found) &&
        /there is tiny-sdxl/.test(fault.fix) && !/\?expand|sending request/.test(fault.message),
    );
  }));

test("a read-only cache: enough when all is there, a clear fault when not", () =>
  fixture(async ({ resolve }) => {
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
  fixture(async ({ resolve, server }) => {
    const disk = { ...nodeDisk, freeBytes: () => Promise.resolve(5000) };
    await assert.rejects(
      resolve(id, { tools: { ...tools, disk } }),
      (fault) => fault instanceof CacheStorageFault && /disk space/.test(fault.wanted),
    );
    assert.deepEqual(server.served, ["model_index.json"]);
  }));

test("without links the snapshot holds the files themselves", () =>
  fixture(
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
  fixture(async ({ resolve, settings, server }) => {
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
  fixture(async ({ server, settings }) => {
    // One of them is still busy when the other wants the same file.
    const listings = () => server.seen.filter(({ path }) => path.includes("/tree/")).length;
    const hold = new Promise<void>((resolve) => {
      const watch = setInterval(() => {
        if (listings() < 2 * 5) return;
        clearInterval(watch);
        setTimeout(resolve, 500);
      }, 20).unref();
    });
    server.injectedFailures.set("unet/diffusion_pytorch_model.safetensors", [{ hold }]);
    const module = new URL("./resolve-model.ts", import.meta.url).href;
    const program = `const { resolveModel } = await import(${JSON.stringify(module)});
      console.log((await resolveModel(${JSON.stringify(id)})).path);`;
    const how = "Deno" in globalThis ? ["eval"] : ["--input-type=module", "--eval"];
    const run = async (): Promise<string> => {
      const child = spawn(process.execPath, [...how, program], {
        cwd: new URL("..", import.meta.url),
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
