import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  HubAccessFault,
  HubContentFault,
  HubFileNotFound,
  ModelNameFault,
  RepositoryNotFound,
  RevisionNotFound,
} from "./hub-fault.ts";
import type { HubProgress } from "./progress.ts";
import { locateModel } from "./resolve-model.ts";
import { goodToken } from "./testing/fake-hub.ts";
import { fakeSdxl } from "./testing/fake-sdxl.ts";
import { filesBelow, fixture, id, tools } from "./testing/hub-fixture.ts";

test("a repository's metadata: a cut or busy answer is asked for again, another kind refused", () =>
  fixture(async ({ server, resolve }) => {
    server.injectedFailures.set("api", [{ status: 503 }, { cutAfter: 5 }, { status: 429 }]);
    await resolve(id);
    server.injectedFailures.set("api", [{ status: 200 }]);
    await assert.rejects(resolve("org/x"), /answer of another kind.*HF_ENDPOINT/);
  }));

test("a download that fails for good is no mistyped path", () =>
  fixture(async ({ server, resolve }) => {
    const early = Array.from({ length: 5 }, () => ({ endAfter: 0 }));
    server.injectedFailures.set("vae/diffusion_pytorch_model.safetensors", early);
    await assert.rejects(resolve(id), {
      _tag: "HubUnreachable",
      found: /^the connection was cut after 0 of \d+ bytes, 5 times in a row$/,
      fix: /what has come is kept/,
    });
    await resolve(id);
  }));

test("progress counts the bytes of the whole job, to the end", () =>
  fixture(async ({ resolve }) => {
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
  fixture(async ({ server, resolve, settings }) => {
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
  fixture(async ({ resolve, settings }) => {
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
  fixture(async ({ server, resolve }) => {
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
  await fixture(async ({ resolve, server }) => {
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
  await fixture(
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
  await fixture(
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
  fixture(async ({ resolve }) => {
    await assert.rejects(
      resolve(id, { revision: "v2" }),
      (fault) =>
        fault instanceof RevisionNotFound && /There is v1/.test(fault.fix) &&
        /variant/.test(fault.fix),
    );
    await assert.rejects(resolve(id, { revision: "fp16" }), /There are main, v1/);
  }));

test("a path wins over an id; a mistyped one is told from both sides", () =>
  fixture(async ({ resolve, server, settings }) => {
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
    await assert.rejects(resolve("org/sdxl@fp16"), /hf_revision/);
    assert.equal(server.seen.length, 0);

    // An id by its looks, a path by what was meant; tests run in the project's folder.
    const absent = await locateModel("sample_data/tiny-sdlx", { settings });
    assert.match(
      "mistyped" in absent ? absent.mistyped! : "",
      /^an id of the hub; sample_data is a folder here too, without tiny-sdlx\. .*tiny-sdxl$/,
    );
    assert.ok(!("mistyped" in await locateModel("other/tiny-sdlx", { settings })));
    await assert.rejects(
      resolve("sample_data/tiny-sdlx"),
      (fault) =>
        fault instanceof RepositoryNotFound && /no such path, and on the hub/.test(fault.found) &&
        /there is tiny-sdxl/.test(fault.fix) && /spelling/.test(fault.fix),
    );
  }));
