import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { whileLocked } from "./cache-lock.ts";
import { type Hub, hubTools } from "./hub-client.ts";
import { hubSettings } from "./hub-settings.ts";

const hub: Hub = { settings: hubSettings({ HF_HOME: "/none" }), tools: hubTools };

async function inFolder(run: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-lock-"));
  try {
    await run(join(folder, "below", "x.gnomic"), join(folder, "below"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("one at a time, and nothing stays behind", () =>
  inFolder(async (path, folder) => {
    let inside = 0;
    const order: number[] = [];
    await Promise.all([1, 2, 3].map((n) =>
      whileLocked(hub, path, async () => {
        assert.equal(++inside, 1);
        await new Promise((resolve) => setTimeout(resolve, 20));
        order.push(n);
        inside--;
      })
    ));
    assert.deepEqual(order.sort(), [1, 2, 3]);
    await assert.rejects(whileLocked(hub, path, () => Promise.reject(new Error("mine"))), /mine/);
    assert.deepEqual(await readdir(folder), []);
  }));

test("the lock of a dead process and one that nobody touches are taken over; a living one is not", () =>
  inFolder(async (path) => {
    const once = () => whileLocked(hub, path, () => Promise.resolve("done"));
    await once();
    // Process ids end at 4194304 on Linux and far below elsewhere.
    await writeFile(path, JSON.stringify({ pid: 4194305, host: hostname(), id: "dead" }));
    assert.equal(await once(), "done");

    const elsewhere = JSON.stringify({ pid: 1, host: "another-machine", id: "old" });
    await writeFile(path, elsewhere);
    const long = new Date(Date.now() - 120_000);
    await utimes(path, long, long);
    assert.equal(await once(), "done");

    for (
      const alive of [{ pid: process.pid, host: hostname() }, { pid: 1, host: "another-machine" }]
    ) {
      await writeFile(path, JSON.stringify(alive));
      const stop = new AbortController();
      let waits = 0;
      const sleep = () => {
        if (++waits === 3) stop.abort();
        stop.signal.throwIfAborted();
        return Promise.resolve();
      };
      const waiting = whileLocked(
        { ...hub, tools: { ...hubTools, sleep } },
        path,
        () => Promise.resolve(),
      );
      await assert.rejects(waiting, { name: "AbortError" });
      assert.equal(waits, 3);
      await rm(path);
    }
  }));
