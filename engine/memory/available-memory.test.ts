// Every way in which a container or a service manager limits memory, as files under a folder that stands
// in for the root.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { availableMemory } from "./available-memory.ts";

const gib = 2 ** 30;
const machine = {
  "proc/meminfo": `MemTotal: ${24 * 2 ** 20} kB\nMemAvailable:   ${20 * 2 ** 20} kB\n`,
};

async function available(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), "gnomic-memory-"));
  try {
    for (const [path, content] of Object.entries({ ...machine, ...files })) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    return await availableMemory(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

const v2 = (group: string, max: string, current: number, inactive = 0) => ({
  [`sys/fs/cgroup${group}/memory.max`]: `${max}\n`,
  [`sys/fs/cgroup${group}/memory.current`]: `${current}\n`,
  [`sys/fs/cgroup${group}/memory.stat`]: `anon 5\ninactive_file ${inactive}\nactive_file 7\n`,
});

test("without a limit it is what the machine has available", async () => {
  assert.deepEqual(await available({}), { bytes: 20 * gib, by: "the machine's free memory" });
  const unlimited = { "proc/self/cgroup": "0::/\n", ...v2("/", "max", gib) };
  assert.equal((await available(unlimited)).bytes, 20 * gib);
});

test("version 2: the limit less what is used, files that can go counted as free", async () => {
  const found = await available({
    "proc/self/cgroup": "0::/box\n",
    ...v2("/box", `${8 * gib}`, 3 * gib, gib),
  });
  assert.deepEqual(found, { bytes: 6 * gib, by: "control group /box" });
});

test("version 2: the tightest group above counts", async () => {
  const found = await available({
    "proc/self/cgroup": "0::/outer/inner\n",
    ...v2("/outer/inner", "max", gib),
    ...v2("/outer", `${4 * gib}`, gib),
  });
  assert.deepEqual(found, { bytes: 3 * gib, by: "control group /outer" });
});

test("version 2 in a container: the mount is the group, whatever its path says", async () => {
  const found = await available({
    "proc/self/cgroup": "0::/../../docker/abc\n",
    ...v2("", `${2 * gib}`, gib),
  });
  assert.equal(found.bytes, gib);
});

test("version 1: memory's own hierarchy, with 2^63 for no limit", async () => {
  const group = "sys/fs/cgroup/memory/docker/abc";
  const files = {
    "proc/self/cgroup": "9:name=systemd:/\n4:memory:/docker/abc\n3:cpu,cpuacct:/\n0::/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
    [`${group}/memory.limit_in_bytes`]: `${3 * gib}\n`,
    [`${group}/memory.usage_in_bytes`]: `${gib}\n`,
    [`${group}/memory.stat`]: `cache 1\ntotal_inactive_file ${gib / 2}\n`,
  };
  const found = await available(files);
  assert.deepEqual(found, { bytes: 2.5 * gib, by: "control group /docker/abc" });
});

test("a group that is over its limit leaves nothing", async () => {
  const files = { "proc/self/cgroup": "0::/box\n", ...v2("/box", `${gib}`, 2 * gib) };
  assert.equal((await available(files)).bytes, 0);
});
