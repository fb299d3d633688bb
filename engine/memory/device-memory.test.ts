// A device's free memory from what the system says of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceMemory } from "./device-memory.ts";

test("a card's memory is the card's; where nobody says it is unknown", async () => {
  const card = { name: "NVIDIA GeForce RTX 4080", free: 15211 * 2 ** 20 };
  assert.deepEqual(await deviceMemory("cuda", card, "linux"), {
    bytes: 15211 * 2 ** 20,
    by: "the NVIDIA GeForce RTX 4080",
  });
  assert.equal(await deviceMemory("webgpu", undefined, "linux"), undefined);
  assert.equal(await deviceMemory("dml", { name: "Intel Iris Xe" }, "win32"), undefined);
});

test("a Mac's card takes a share of what is free", async () => {
  const mac = await deviceMemory("webgpu", undefined, "darwin");
  const cpu = await deviceMemory("cpu", undefined);
  assert.ok(mac!.bytes > 0.5 * cpu!.bytes && mac!.bytes < 0.9 * cpu!.bytes);
});
