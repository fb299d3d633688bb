import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { missingPackages } from "./node-packages.js";

const root = new URL("../", import.meta.url);

test("packages that npm left out are named with what puts them there", () =>
  withTemporaryFolder(async (folder) => {
    assert.equal(missingPackages(root), null);
    cpSync(new URL("package.json", root), join(folder, "package.json"));
    const project = pathToFileURL(`${folder}/`);
    assert.match(missingPackages(project)!, /found no [^.]*effect, [^\n]*\. Run `npm ci`/);
    const dependencies = { "onnx-proto": "8" };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies }));
    // As npm leaves it over Deno's link: a folder without the package.
    await mkdir(join(folder, "node_modules/onnx-proto/node_modules"), { recursive: true });
    assert.match(missingPackages(project)!, /found no onnx-proto\. /);
    writeFileSync(join(folder, "node_modules/onnx-proto/package.json"), "{}");
    assert.equal(missingPackages(project), null);
  }));
