import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cacheRoot, hubSettings } from "./hub-settings.ts";

// The order is that of huggingface_hub/constants.py; tests/peers/hub-cache.test.ts asks Python itself.
test("the cache folder: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, ~/.cache", () => {
  const all = {
    HF_HUB_CACHE: "/a",
    HUGGINGFACE_HUB_CACHE: "/b",
    HF_HOME: "/c",
    XDG_CACHE_HOME: "/d",
  };
  const order: [keyof typeof all, string][] = [
    ["HF_HUB_CACHE", "/a"],
    ["HUGGINGFACE_HUB_CACHE", "/b"],
    ["HF_HOME", join("/c", "hub")],
    ["XDG_CACHE_HOME", join("/d", "huggingface", "hub")],
  ];
  const env: Record<string, string> = { ...all };
  for (const [name, path] of order) {
    assert.equal(cacheRoot(env), path);
    delete env[name];
  }
  assert.equal(cacheRoot(env), join(homedir(), ".cache", "huggingface", "hub"));
  assert.equal(cacheRoot({ HF_HUB_CACHE: "~/x" }), join(homedir(), "x"));
  assert.equal(cacheRoot({ HF_HOME: "$BIG/${NO}", BIG: "/disk" }), join("/disk/${NO}", "hub"));
});

test("the token: HF_TOKEN, else the file that `hf auth login` writes; never shown", async () => {
  const home = await mkdtemp(join(tmpdir(), "gnomic-home-"));
  try {
    assert.equal(hubSettings({ HF_HOME: home }).token, undefined);
    await writeFile(join(home, "token"), "hf_file\n");
    assert.equal(hubSettings({ HF_HOME: home }).token, "hf_file");
    assert.equal(hubSettings({ HF_HOME: home, HF_TOKEN: " hf_env\r\n" }).token, "hf_env");
    assert.equal(
      hubSettings({ HF_HOME: home, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }).token,
      undefined,
    );
    assert.ok(!JSON.stringify(hubSettings({ HF_HOME: home })).includes("hf_file"));
  } finally {
    await rm(home, { recursive: true });
  }
});

test("offline, endpoint and links", () => {
  const offline = (env: Record<string, string>) =>
    hubSettings({ HF_HOME: "/none", ...env }).offline;
  for (const yes of ["1", "true", "YES", "on"]) assert.ok(offline({ HF_HUB_OFFLINE: yes }));
  for (const no of ["", "0", "false"]) assert.ok(!offline({ HF_HUB_OFFLINE: no }));
  assert.ok(offline({ TRANSFORMERS_OFFLINE: "1" }));
  const { endpoint, symlinks } = hubSettings({ HF_HOME: "/none", HF_ENDPOINT: "http://h:1/p//" });
  assert.equal(endpoint, "http://h:1/p");
  for (const HF_ENDPOINT of ["hf-mirror.com", "https://", "file:///x"]) {
    assert.throws(() => hubSettings({ HF_HOME: "/none", HF_ENDPOINT }), {
      _tag: "HubSettingsFault",
      key: "HF_ENDPOINT",
    });
  }
  assert.ok(symlinks);
  assert.ok(!hubSettings({ HF_HOME: "/none", HF_HUB_DISABLE_SYMLINKS: "1" }).symlinks);
});
