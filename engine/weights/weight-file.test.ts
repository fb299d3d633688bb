// Each look is a process of its own, so what it knows of earlier ones it has from disk.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("./inspect-file.fixture.ts", import.meta.url));
const run = process.versions.deno === undefined ? [script] : ["run", "-A", script];

let folder: string;
let records: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gnomic-weight-file-"));
  records = join(folder, "gnomic", "weight-files");
});
after(() => rm(folder, { recursive: true }));

const look = async (file: string, cache = folder) => {
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const { stdout } = await promisify(execFile)(process.execPath, [...run, file], { env });
  return JSON.parse(stdout);
};

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

/** Zeros in float32 that take no room on the disk; the last value is `last`. */
async function zeros(name: string, bytes: number, last = 1): Promise<string> {
  const header = JSON.stringify({
    w: { dtype: "F32", shape: [bytes / 4], data_offsets: [0, bytes] },
  });
  const start = new Uint8Array(8 + header.length);
  new DataView(start.buffer).setBigUint64(0, BigInt(header.length), true);
  start.set(new TextEncoder().encode(header), 8);
  const file = join(folder, name);
  await writeFile(file, start);
  const handle = await open(file, "r+");
  await handle.truncate(start.length + bytes);
  await handle.write(new Uint8Array(Float32Array.of(last).buffer), 0, 4, start.length + bytes - 4);
  await handle.close();
  return file;
}

/** Writes a NaN over the last value. */
async function spoil(file: string): Promise<void> {
  const handle = await open(file, "r+");
  const { size } = await handle.stat();
  await handle.write(new Uint8Array([0, 0, 0xc0, 0x7f]), 0, 4, size - 4);
  await handle.close();
}

test("a big file is read once for the user, and again when its bytes have changed", async () => {
  const file = await zeros("big.safetensors", 32 << 20);
  const digest = await digestOf(file);
  assert.deepEqual(await look(file), { digest, finite: true });

  // Proof that the second answer comes from memory: what is remembered is replaced by a lie.
  const [record] = await readdir(records);
  const path = join(records, record);
  const lie = { digest: "f".repeat(64), finite: true };
  await writeFile(path, (await readFile(path, "utf8")).replace(digest, lie.digest));
  assert.deepEqual(await look(file), lie);

  await writeFile(path, '{"half');
  assert.deepEqual(await look(file), { digest, finite: true });

  await spoil(file);
  const spoilt = { digest: await digestOf(file), finite: false };
  assert.notEqual(spoilt.digest, digest);
  for (const _ of ["read", "remembered"]) assert.deepEqual(await look(file), spoilt);
  assert.deepEqual(await readdir(records), [record]);
});

test("a file whose end was never written is refused, every time", async () => {
  const before = await readdir(records);
  const file = await zeros("preallocated.safetensors", 32 << 20, 0);
  for (const _ of ["first", "second"]) {
    await assert.rejects(look(file), /preallocated.*wanted weights up to its end.*ended early/s);
  }
  assert.deepEqual(await readdir(records), before);
});

test("small files leave nothing, and a cache that cannot be written is none", async () => {
  const before = await readdir(records);
  const small = await zeros("small.safetensors", 4096);
  assert.equal((await look(small)).digest, await digestOf(small));
  assert.deepEqual(await readdir(records), before);
  const big = await zeros("another.safetensors", 32 << 20);
  assert.equal((await look(big, small)).finite, true);
});
