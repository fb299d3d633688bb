// What is left of texts that name paths of each system, and that everything else stays as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lastPart, withoutFolders } from "./without-folders.ts";

test("of a path its last part, on any system", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["/home/ann/pics/", "pics"],
    ["C:\\Users\\Ann\\pics", "pics"],
    ["../../secret/pics", "pics"],
    ["..", ".."],
    ["~", "~"],
    ["/", "/"],
    ["model.safetensors", "model.safetensors"],
  ];
  for (const [path, last] of cases) assert.equal(lastPart(path), last);
});

test("paths lose their folders; words, addresses, ids and ratios keep their slashes", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["/home/ann/pics/a.jpg:3: wanted x", "a.jpg:3: wanted x"],
    ["reading '/home/ann/pics/a.jpg' failed", "reading 'a.jpg' failed"],
    ["ENOENT: no such file, open '/tmp/x/y'", "ENOENT: no such file, open 'y'"],
    ["at file:///home/ann/gnomic/cli/main.ts:3:4", "at main.ts:3:4"],
    ["in ~/pics/a.jpg and ~ann/b/c.png", "in a.jpg and c.png"],
    ["../ann/pics/a.jpg is there", "a.jpg is there"],
    ["C:\\Users\\Ann\\a.jpg, D:/b/c.png", "a.jpg, c.png"],
    ["\\\\server\\share\\a.jpg", "a.jpg"],
    ["stabilityai/stable-diffusion-xl-base-1.0", "stabilityai/stable-diffusion-xl-base-1.0"],
    ["scheduler/scheduler_config.json and/or 3/4", "scheduler/scheduler_config.json and/or 3/4"],
    ["https://huggingface.co/org/name", "https://huggingface.co/org/name"],
    ["step 3 / 4, a / b", "step 3 / 4, a / b"],
  ];
  for (const [text, left] of cases) assert.equal(withoutFolders(text), left);
});

test("known places go with their blanks, the longest first, relative ones too", () => {
  const known = ["/home/Ann Lee", "/home/Ann Lee/my pics", "photos/of me", "pics"];
  assert.equal(
    withoutFolders("/home/Ann Lee/my pics/a b.jpg is bad", known),
    "my pics/a b.jpg is bad",
  );
  assert.equal(withoutFolders("photos/of me/a.jpg, pics/b.jpg", known), "of me/a.jpg, pics/b.jpg");
});
