// `doctor` on this machine: every provider has its line, the CPU works, and what does not work says why.
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Effect } from "effect";
import { listProviders } from "../engine/setup/installed-providers.ts";
import { doctorCommand } from "./doctor.ts";

const cache = await mkdtemp(join(tmpdir(), "gnomic-doctor-"));
const before = process.env.XDG_CACHE_HOME;
process.env.XDG_CACHE_HOME = cache;
after(async () => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  await rm(cache, { recursive: true });
});

test("each provider's state, what auto takes, and a record of what passed", async () => {
  const lines: string[] = [];
  await Effect.runPromise(doctorCommand.run([], {}, { print: (line) => void lines.push(line) }));
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
});
