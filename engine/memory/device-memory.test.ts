// A card's free memory from what the system says of it.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Asked, deviceMemory } from "./device-memory.ts";

const nothing: Asked = {
  platform: "linux",
  nvidia: () => Promise.resolve(undefined),
  cards: "/nowhere",
};

test("NVIDIA's tool: the first card", async () => {
  const output = "15211, NVIDIA GeForce RTX 4080\n23000, NVIDIA GeForce RTX 4090\n";
  const nvidia = () => Promise.resolve(output);
  assert.deepEqual(await deviceMemory("cuda", { ...nothing, nvidia }), {
    bytes: 15211 * 2 ** 20,
    by: "the NVIDIA GeForce RTX 4080",
  });
});

test("the kernel's files of an AMD card; cards without them are passed over", async () => {
  const cards = await mkdtemp(join(tmpdir(), "gnomic-cards-"));
  await mkdir(join(cards, "card0", "device"), { recursive: true });
  await mkdir(join(cards, "card1-HDMI-A-1"));
  await mkdir(join(cards, "card1", "device"), { recursive: true });
  await writeFile(join(cards, "card1", "device", "mem_info_vram_total"), `${16 * 2 ** 30}\n`);
  await writeFile(join(cards, "card1", "device", "mem_info_vram_used"), `${2 ** 30}\n`);
  assert.deepEqual(await deviceMemory("webgpu", { ...nothing, cards }), {
    bytes: 15 * 2 ** 30,
    by: "the graphics card card1",
  });
  await rm(cards, { recursive: true });
});

test("a Mac's card takes a share of what is free; elsewhere nobody says", async () => {
  const mac = await deviceMemory("webgpu", { ...nothing, platform: "darwin" });
  const cpu = await deviceMemory("cpu", nothing);
  assert.ok(mac!.bytes > 0.5 * cpu!.bytes && mac!.bytes < 0.9 * cpu!.bytes);
  assert.equal(await deviceMemory("webgpu", nothing), undefined);
});
