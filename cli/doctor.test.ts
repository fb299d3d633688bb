// `doctor` on this machine: every provider has its line, the CPU works, and what does not work says why.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { listProviders } from "../engine/setup/installed-providers.ts";
import { startChild } from "../runtime/testing/child.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

// In a process of its own: tests of one Deno process share their environment, and would share its cache.
test("each provider's state, what auto takes, and a record of what passed", () =>
  withTemporaryFolder(async (cache) => {
    const { code, stdout, stderr } = await startChild(main, ["doctor"], {
      env: { XDG_CACHE_HOME: cache },
    }).ended;
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines[0], /threads, \d+\.\d GiB of memory free/);
    for (const { provider, ready } of await listProviders()) {
      const line = lines.find((text) => text.startsWith(provider))!;
      assert.match(
        line,
        ready && provider === "cpu"
          ? /yes +float32, a small network's step in [\d.]+ s/
          : /(yes|no) +\S/,
      );
      if (!ready) assert.match(line, /not installed/);
    }
    assert.match(lines.at(-1)!, /^auto: /);
    const records = await readdir(join(cache, "gnomic", "devices"));
    assert.ok(records.some((name) => /^cpu-float32-\d+-threads\.json$/.test(name)), records.join());
  }));
