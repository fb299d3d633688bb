import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { complaintAbout } from "./node-version.js";

test("only a Node that runs TypeScript as it is will do", () => {
  for (const version of ["22.19.0", "22.20.1", "23.0.0", "24.1.0"]) {
    assert.equal(complaintAbout(version), null, version);
  }
  for (const version of ["18.0.0", "20.20.2", "22.9.0", "22.18.9"]) {
    assert.match(
      complaintAbout(version)!,
      /wants Node 22\.19 or later, found \d+\.\d+\.\d+\. Get it/,
    );
  }
});

const old = (process.env.PATH ?? "").split(delimiter)
  .map((folder) => join(folder, "node"))
  .find((node) => {
    const { status, stdout } = spawnSync(node, ["-p", "process.versions.node"], {
      encoding: "utf8",
    });
    return status === 0 && complaintAbout(stdout.trim()) !== null;
  });

test("an old Node gets one line and no stack", {
  skip: old === undefined && "no old Node on this machine",
}, () => {
  const start = fileURLToPath(new URL("../../cli/start.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(old!, [start, "pipeline", "sdxl-ti"], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /^gnomic wants Node [^\n]+\n$/);
});
