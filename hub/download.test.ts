import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeDisk } from "./cache-disk.ts";
import { blobPath } from "./cache-folder.ts";
import { downloadBlob } from "./download.ts";
import { type Hub, type HubTools, hubTools } from "./hub-client.ts";
import {
  CacheStorageFault,
  DigestFault,
  HubAccessFault,
  HubFileNotFound,
  HubUnreachable,
} from "./hub-fault.ts";
import { hubSettings } from "./hub-settings.ts";
import { type FakeHub, fakeHub, type InjectedFailure } from "./testing/fake-hub.ts";
import { fakeWeights } from "./testing/fake-sdxl.ts";

const repo = { type: "model", id: "org/name" } as const;
const path = "unet/big.safetensors";
const bytes = fakeWeights("big", 300_000);

interface HubFixture {
  readonly server: FakeHub;
  readonly hub: Hub;
  readonly slept: number[];
  readonly blob: string;
  readonly get: () => Promise<{ fresh: boolean; skipped: number; arrived: number }>;
}

async function fixture(
  run: (fixture: HubFixture) => Promise<void>,
  { injectedFailures = [], tools = {}, token }: {
    injectedFailures?: InjectedFailure[];
    tools?: Partial<HubTools>;
    token?: string;
  } = {},
): Promise<void> {
  const cacheDir = await mkdtemp(join(tmpdir(), "gnomic-hub-"));
  const server = await fakeHub({ [repo.id]: { files: { [path]: bytes, "small.json": "{}" } } });
  server.injectedFailures.set(path, [...injectedFailures]);
  const slept: number[] = [];
  const settings = hubSettings({
    HF_HUB_CACHE: cacheDir,
    HF_ENDPOINT: server.endpoint,
    HF_TOKEN: token,
    HF_HOME: cacheDir,
  });
  const hub: Hub = {
    settings,
    tools: {
      ...hubTools,
      sleep: (milliseconds) => Promise.resolve(void slept.push(milliseconds)),
      ...tools,
    },
  };
  const file = { path, size: bytes.length, etag: server.etagOf(repo.id, path) };
  const get = async () => {
    const told = { skipped: 0, arrived: 0 };
    const fresh = await downloadBlob(hub, { repo, commit: server.commitOf(repo.id), file }, {
      skip: (n) => void (told.skipped += n),
      arrived: (n) => void (told.arrived += n),
    });
    return { fresh, ...told };
  };
  try {
    await run({ server, hub, slept, blob: blobPath(settings, repo, file.etag), get });
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true });
  }
}

const same = async (file: string) => assert.ok(Buffer.from(bytes).equals(await readFile(file)));

test("a file comes whole, once, and nothing else stays beside it", () =>
  fixture(async ({ server, get, blob }) => {
    assert.deepEqual(await get(), { fresh: true, skipped: 0, arrived: bytes.length });
    await same(blob);
    assert.deepEqual(await get(), { fresh: false, skipped: bytes.length, arrived: 0 });
    assert.deepEqual(server.served, [path]);
    assert.deepEqual(await readdir(join(blob, "..")), [blob.split("/").at(-1)]);
  }));

test("a connection cut twice is resumed where it ended", () =>
  fixture(async ({ server, get, blob, slept }) => {
    assert.deepEqual(await get(), { fresh: true, skipped: 0, arrived: bytes.length });
    await same(blob);
    const ranges = server.seen.filter(({ server }) => server === "cdn").map(({ range }) => range);
    assert.equal(ranges[0], undefined);
    const starts = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range!)![1]));
    assert.equal(starts.length, 2);
    assert.ok(0 < starts[0] && starts[0] <= 100_000, String(starts));
    assert.ok(starts[0] < starts[1] && starts[1] <= 250_000, String(starts));
    assert.deepEqual(slept, [1000, 1000], "progress starts the pauses anew");
  }, { injectedFailures: [{ cutAfter: 100_000 }, { cutAfter: 150_000 }] }));

test("an answer that ends early and one that stalls are resumed too", () =>
  fixture(async ({ server, get, blob }) => {
    await get();
    await same(blob);
    assert.equal(server.served.length, 3);
  }, {
    injectedFailures: [{ endAfter: 100_000 }, { stallAfter: 50_000 }],
    tools: { idleMilliseconds: 200 },
  }));

test("what an earlier process left is gone on with, and thrown away when it is wrong", () =>
  fixture(async ({ server, get, blob, hub }) => {
    await hub.tools.disk.makeFolder(join(blob, ".."));
    await writeFile(`${blob}.gnomic.incomplete`, bytes.subarray(0, 120_000));
    assert.deepEqual(await get(), { fresh: true, skipped: 120_000, arrived: 180_000 });
    await same(blob);
    assert.equal(server.seen.at(-1)?.range, "bytes=120000-");

    await rm(blob);
    await writeFile(`${blob}.gnomic.incomplete`, new Uint8Array(120_000));
    const { skipped, arrived } = await get();
    assert.equal(skipped + arrived, bytes.length);
    await same(blob);
    assert.equal(server.seen.at(-1)?.range, undefined);
  }));

test("a server that ignores the range sends it all again", () =>
  fixture(async ({ get, blob }) => {
    const { skipped, arrived } = await get();
    assert.equal(skipped + arrived, bytes.length);
    await same(blob);
  }, { injectedFailures: [{ cutAfter: 100_000 }, { ignoreRange: true }] }));

test("a wrong digest is refused and leaves nothing", () =>
  fixture(async ({ get, blob, server }) => {
    await assert.rejects(get, (fault) =>
      fault instanceof DigestFault && fault.kind === "world" &&
      fault.message.includes(server.etagOf(repo.id, path)));
    assert.deepEqual(await readdir(join(blob, "..")), []);
  }, { injectedFailures: [{ wrongBytes: true }] }));

test("503 and 429 are tried again, as late as the server asks", () =>
  fixture(async ({ get, blob, slept }) => {
    await get();
    await same(blob);
    assert.deepEqual(slept, [1000, 7000, 4000]);
  }, {
    injectedFailures: [
      { status: 503 },
      { status: 429, headers: { "Retry-After": "7" } },
      { status: 500, headers: { "Retry-After": new Date(0).toUTCString() } },
    ],
  }));

test("a server that stays down, asks for hours, or redirects in a circle is a fault of the world", async () => {
  const down = Array.from({ length: 9 }, () => ({ status: 502 }));
  for (
    const injectedFailures of [down, [{
      status: 429,
      headers: { "Retry-After": "7200" },
    }]] as InjectedFailure[][]
  ) {
    await fixture(async ({ get, slept, server }) => {
      await assert.rejects(get, (fault) => fault instanceof HubUnreachable && fault.transient);
      assert.ok(slept.length === server.served.length - 1);
    }, { injectedFailures });
  }
  await fixture(async ({ server, get }) => {
    const { pathname } = new URL(
      `${server.endpoint}/org/name/resolve/${server.commitOf(repo.id)}/${path}`,
    );
    server.injectedFailures.set(path, [{ location: server.endpoint + pathname }]);
    await assert.rejects(get, /redirects in a circle/);
  });
});

test("nobody listening: said after five attempts", () =>
  fixture(async ({ server, get, slept }) => {
    await server.close();
    await assert.rejects(get, /no connection to 127\.0\.0\.1:\d+ \(.*\), 5 times in a row/);
    assert.deepEqual(slept, [1000, 2000, 4000, 8000]);
  }));

test("the token goes to the hub only, and into no message", () =>
  fixture(async ({ server, get, hub }) => {
    await get();
    for (const { server: which, authorization } of server.seen) {
      assert.equal(authorization, which === "hub" ? "Bearer hf_secret" : undefined);
    }
    assert.ok(!JSON.stringify(hub.settings).includes("hf_secret"));
    await rm(blobPath(hub.settings, repo, server.etagOf(repo.id, path)));
    server.injectedFailures.set(path, [{ status: 403, headers: { "X-Error-Code": "GatedRepo" } }]);
    await assert.rejects(
      get,
      (fault) =>
        fault instanceof HubAccessFault && !fault.message.includes("hf_secret") &&
        !fault.message.includes("signature"),
    );
  }, { token: "hf_secret" }));

test("a file that the hub does not have", () =>
  fixture(async ({ server, hub }) => {
    const file = { path: "unet/no.safetensors", size: 3, etag: "0".repeat(64) };
    const wanted = { repo, commit: server.commitOf(repo.id), file };
    const told = { skip: () => {}, arrived: () => {} };
    await assert.rejects(downloadBlob(hub, wanted, told), HubFileNotFound);
  }));

/** A disk on which `room` bytes fit into partial files. */
const smallDisk = (room: number) => ({
  ...nodeDisk,
  openPartial: async (file: string) => {
    const part = await nodeDisk.openPartial(file);
    return {
      ...part,
      append: async (chunk: Uint8Array) => {
        await part.append(chunk.subarray(0, room));
        room -= chunk.length;
        if (room < 0) throw Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
      },
    };
  },
});

test("a full disk: said with the way out, and the next run goes on", () =>
  fixture(async ({ get, blob, hub }) => {
    await assert.rejects(
      get,
      (fault) =>
        fault instanceof CacheStorageFault && /no space left/.test(fault.found) &&
        /HF_HUB_CACHE/.test(fault.fix),
    );
    assert.equal((await readFile(`${blob}.gnomic.incomplete`)).length, 90_000);
    Object.assign(hub.tools, { disk: nodeDisk });
    assert.deepEqual(await get(), { fresh: true, skipped: 90_000, arrived: 210_000 });
    await same(blob);
  }, { tools: { disk: smallDisk(90_000) } }));

test("a cache folder that can't be written", async () => {
  for (const code of ["EROFS", "EACCES", "EIO"]) {
    const makeFolder = () => Promise.reject(Object.assign(new Error(code), { code }));
    await fixture(
      ({ get }) =>
        assert.rejects(
          get,
          (fault) =>
            fault instanceof CacheStorageFault &&
            (code === "EIO" || /HF_HUB_CACHE/.test(fault.fix)),
        ),
      { tools: { disk: { ...nodeDisk, makeFolder } } },
    );
  }
});

test("cancelled in the middle: stops, keeps what came", () =>
  fixture(async ({ get, hub, blob }) => {
    const stop = new AbortController();
    Object.assign(hub, { signal: stop.signal });
    const { openPartial } = nodeDisk;
    const disk = {
      ...nodeDisk,
      openPartial: async (file: string) => {
        const part = await openPartial(file);
        return { ...part, append: (c: Uint8Array) => part.append(c).then(() => stop.abort()) };
      },
    };
    Object.assign(hub.tools, { disk });
    await assert.rejects(get, { name: "AbortError" });
    const { length } = await readFile(`${blob}.gnomic.incomplete`);
    assert.ok(0 < length && length < bytes.length);
  }, { injectedFailures: [{ stallAfter: 100_000 }] }));
