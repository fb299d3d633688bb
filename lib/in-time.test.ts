import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { startChild } from "../runtime/testing/child.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { importInTime, inTime } from "./in-time.ts";

test("what never comes is given up, and what comes is handed on", async () => {
  // Without the timer nothing would be left to do here, and the process would end.
  await assert.rejects(inTime(new Promise(() => {}), 0.01), /still waits .* 0\.01 s/);
  assert.equal(await inTime(Promise.resolve(7), 60), 7);
  await assert.rejects(inTime(Promise.reject(new Error("its own")), 60), /its own/);
});

const module = (folder: string, name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return pathToFileURL(file).href;
};

test("a module that throws or ends says so", () =>
  withTemporaryFolder(async (folder) => {
    const throws = module(folder, "throws.ts", "throw new Error('its own');");
    await assert.rejects(importInTime(throws), /its own/);
    const ends = module(folder, "ends.ts", "export const a: number = 1; export default 2;");
    assert.deepEqual({ ...await importInTime(ends) }, { a: 1, default: 2 });
  }));

// In a process of its own, which ends: where nothing else is left to do, Deno takes such a module for an error.
test("a module that waits for ever at its top is given up", () =>
  withTemporaryFolder(async (folder) => {
    const waits = module(folder, "waits.ts", "await new Promise(() => {}); export const a = 1;");
    module(
      folder,
      "main.ts",
      `import process from "node:process";
       import { importInTime } from ${JSON.stringify(import.meta.resolve("./in-time.ts"))};
       const said = await importInTime(${
        JSON.stringify(waits)
      }, 0.01).catch((error) => error.message);
       process.stdout.write(said, () => process.exit());`,
    );
    const { stdout, stderr } = await startChild(join(folder, "main.ts"), []).ended;
    assert.match(stdout, /still waits .* 0\.01 s/, stderr);
  }));

// In a process of its own: Deno writes down what it fetched, where the project keeps its lock.
test("what a module imports may be fetched for as long as that takes", {
  skip: "Deno" in globalThis ? false : "Node imports nothing from an address",
}, () =>
  withTemporaryFolder(async (folder) => {
    const patience = 1;
    const server = createServer(async (_request, response) => {
      await sleep(2000 * patience);
      response.writeHead(200, { "content-type": "text/javascript" }).end("export const a = 7;");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const far = module(folder, "far.ts", `export { a } from "http://127.0.0.1:${port}/a.js";`);
    const main = module(
      folder,
      "main.ts",
      `import { importInTime } from ${JSON.stringify(import.meta.resolve("./in-time.ts"))};
       console.log(JSON.stringify(await importInTime(${JSON.stringify(far)}, ${patience})));`,
    );
    const args = ["run", "-A", "--no-config", "--no-lock", "-q", main];
    const child = spawn(process.execPath, args, { env: { ...process.env, DENO_DIR: folder } });
    const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
    server.close();
    assert.equal(out, '{"a":7}\n', error);
  }));
