import assert from "node:assert/strict";
import { test } from "node:test";
import { hubSettings } from "./hub-settings.ts";
import { isPathOnly, isRepoId, isSafePath, parseRepoName } from "./repo-name.ts";

const settings = hubSettings({ HF_HOME: "/none", HF_ENDPOINT: "https://hub.example:8443" });
const parse = (text: string) => parseRepoName(text, "model", settings);

test("ids, files in repositories and addresses", () => {
  const id = "stabilityai/stable-diffusion-xl-base-1.0";
  assert.deepEqual(parse(id), { type: "model", id });
  assert.deepEqual(parse("gpt2"), { type: "model", id: "gpt2" });
  assert.deepEqual(parse(`${id}/sub/x.safetensors`), {
    type: "model",
    id,
    file: "sub/x.safetensors",
  });
  assert.deepEqual(parse(`https://huggingface.co/${id}`), { type: "model", id });
  for (const verb of ["resolve", "blob"]) {
    assert.deepEqual(
      parse(`https://hub.example:8443/${id}/${verb}/refs%2Fpr%2F1/a%20b.safetensors?download=true`),
      {
        type: "model",
        id,
        revision: "refs/pr/1",
        file: "a b.safetensors",
      },
    );
  }
  assert.deepEqual(parse(`https://hf.co/${id}/tree/fp16`), { type: "model", id, revision: "fp16" });
  assert.deepEqual(parse("https://huggingface.co/datasets/a/b"), { type: "dataset", id: "a/b" });
});

test("what can't be on the hub", () => {
  for (
    const text of [
      "",
      "./a/b",
      "../a",
      "/a/b",
      "~/a",
      "C:\\a",
      "C:/a",
      "a\\b",
      "a/b/",
      "a/b/../c",
      "a//b",
      "-a/b",
      "a/b.git",
      "a--b/c",
      "my model",
      "models/xl.safetensors",
      "xl.safetensors",
      "old.ckpt",
      "https://civitai.com/models/1",
      "https://huggingface.co/",
      "https://huggingface.co/a/b/blob/main/..%2Fx",
    ]
  ) {
    assert.equal(parse(text), undefined, text);
  }
});

// Answers of huggingface_hub 2.4's validate_repo_id.
test("repository ids as Python judges them", () => {
  for (const good of ["foo", "foo/bar", "123", "Foo-BAR_foo.bar123"]) {
    assert.ok(isRepoId(good), good);
  }
  for (const bad of [".repo_id", "foo--bar", "foo.git", "a/b/c", "foo/", "x".repeat(97), "a..b"]) {
    assert.ok(!isRepoId(bad), bad);
  }
});

test("paths that stay where they are put", () => {
  for (const good of ["a", "a/b.c", "..a/b..", "a b/c"]) assert.ok(isSafePath(good), good);
  for (const bad of ["", "/a", "a/../b", "..", "a/./b", "a//b", "C:x", "a\\..\\b", "a/", "a\0"]) {
    assert.ok(!isSafePath(bad), bad);
  }
  assert.ok(isPathOnly("models/xl.safetensors") && !isPathOnly("org/repo/xl.safetensors"));
});
