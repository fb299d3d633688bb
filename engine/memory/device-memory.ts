// How much memory a graphics card has free, where the system says so: NVIDIA's tool on Linux and Windows,
// the kernel's files for AMD cards, and the main memory on Macs, whose cards share it.
// The trap: WebGPU, DirectML and CUDA all take the first card; a second one is not counted.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Provider } from "../device/messages.ts";
import { type AvailableMemory, availableMemory } from "./available-memory.ts";

const mebibyte = 2 ** 20;
/** The share of a Mac's memory that its graphics card may take by default. */
const shareOnMac = 0.7;

export interface Asked {
  readonly platform: string;
  /** The output of NVIDIA's tool; undefined where there is none. */
  nvidia(): Promise<string | undefined>;
  /** Where the kernel lists cards. */
  readonly cards: string;
}

const thisMachine: Asked = {
  platform: process.platform,
  nvidia: () =>
    promisify(execFile)("nvidia-smi", [
      "--query-gpu=memory.free,name",
      "--format=csv,noheader,nounits",
    ]).then(({ stdout }) => stdout, () => undefined),
  cards: "/sys/class/drm",
};

async function amdMemory(folder: string): Promise<AvailableMemory | undefined> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => /^card\d+$/.test(name)).sort()) {
    const bytes = (file: string) =>
      readFile(join(folder, name, "device", file), "utf8").then(Number, () => Number.NaN);
    const free = await bytes("mem_info_vram_total") - await bytes("mem_info_vram_used");
    if (!Number.isNaN(free)) return { bytes: free, by: `the graphics card ${name}` };
  }
}

/** undefined where nobody says. On the CPU it is what the process may still take. */
export async function deviceMemory(
  provider: Provider,
  asked: Asked = thisMachine,
): Promise<AvailableMemory | undefined> {
  if (provider === "cpu") return availableMemory();
  if (asked.platform === "darwin") {
    const { bytes } = await availableMemory();
    return { bytes: bytes * shareOnMac, by: "the memory that this Mac's graphics may take" };
  }
  const [, free, name] = /^\s*(\d+)\s*,\s*(.+?)\s*$/m.exec(await asked.nvidia() ?? "") ?? [];
  if (free !== undefined) return { bytes: Number(free) * mebibyte, by: `the ${name}` };
  return amdMemory(asked.cards);
}
