// The cards that tools and the kernel list.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type CardSources, listCards } from "./cards.ts";

const nothing: CardSources = {
  platform: "linux",
  nvidia: () => Promise.resolve(undefined),
  windows: () => Promise.resolve(undefined),
  drm: "/nowhere",
};
/** As nvidia-smi writes it. */
const smi = "0, NVIDIA GeForce RTX 4080, GPU-5c9a, 16376, 15211, 580.95.05, 8.9\n" +
  "1, NVIDIA A100-SXM4-40GB MIG, GPU-77b0, [N/A], [N/A], 580.95.05, 8.0\n";

test("NVIDIA's tool: each card with its memory, driver and generation", async () => {
  const [first, second] = await listCards({ ...nothing, nvidia: () => Promise.resolve(smi) });
  assert.deepEqual(first, {
    index: 0,
    name: "NVIDIA GeForce RTX 4080",
    vendor: "nvidia",
    uuid: "GPU-5c9a",
    total: 16376 * 2 ** 20,
    free: 15211 * 2 ** 20,
    driver: "580.95.05",
    computeCapability: 8.9,
  });
  assert.deepEqual([second.index, second.free, second.computeCapability], [1, undefined, 8]);
});

test("the kernel's files of an AMD card; cards without them are passed over", async () => {
  const drm = await mkdtemp(join(tmpdir(), "gnomic-cards-"));
  await mkdir(join(drm, "card0", "device"), { recursive: true });
  await mkdir(join(drm, "card1-HDMI-A-1"));
  await mkdir(join(drm, "card1", "device"), { recursive: true });
  await writeFile(join(drm, "card1", "device", "mem_info_vram_total"), `${16 * 2 ** 30}\n`);
  await writeFile(join(drm, "card1", "device", "mem_info_vram_used"), `${2 ** 30}\n`);
  const [card, ...others] = await listCards({ ...nothing, drm });
  assert.deepEqual(others, []);
  assert.deepEqual([card.name, card.free], ["graphics card card1", 15 * 2 ** 30]);
  await rm(drm, { recursive: true });
});

test("Windows names the cards that no tool of their maker lists", async () => {
  const windows = () =>
    Promise.resolve(
      "Intel(R) Iris(R) Xe Graphics,31.0.101.5590\r\nNVIDIA GeForce RTX 4080,32.0\r\n",
    );
  const sources = { ...nothing, platform: "win32", nvidia: () => Promise.resolve(smi), windows };
  const names = (await listCards(sources)).map(({ name, driver }) => `${name} ${driver}`);
  assert.deepEqual(names.slice(2), ["Intel(R) Iris(R) Xe Graphics 31.0.101.5590"]);
  assert.deepEqual(await listCards(nothing), []);
});
