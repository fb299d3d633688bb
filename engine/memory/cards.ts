// The graphics cards of this machine, as far as somebody lists them: NVIDIA's tool on Linux and Windows,
// the kernel's files for AMD cards, Windows itself for names and drivers.
// The trap: indices are those of the PCI bus. CUDA's own order is another (the fastest first) unless
// CUDA_DEVICE_ORDER says PCI_BUS_ID, which a device's process is told; and CUDA_VISIBLE_DEVICES hides
// cards and counts the rest anew.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Card {
  /** Among the cards of its maker, by the PCI bus. */
  readonly index: number;
  readonly name: string;
  readonly vendor: "nvidia" | "amd" | "other";
  /** NVIDIA's own name of it, by which CUDA_VISIBLE_DEVICES may call it. */
  readonly uuid?: string;
  /** Bytes; undefined: nobody says. */
  readonly total?: number;
  readonly free?: number;
  readonly driver?: string;
  /** NVIDIA's generation, e.g. 8.9. */
  readonly computeCapability?: number;
}

export interface CardSources {
  readonly platform: string;
  /** The output of NVIDIA's tool; undefined where there is none. */
  nvidia(): Promise<string | undefined>;
  /** What Windows lists, as `name,driver` lines. */
  windows(): Promise<string | undefined>;
  /** Where Linux lists cards. */
  readonly drm: string;
}

const output = (command: string, ...args: readonly string[]) =>
  promisify(execFile)(command, [...args], { timeout: 20_000 })
    .then(({ stdout }) => stdout, () => undefined);

const thisMachine: CardSources = {
  platform: process.platform,
  nvidia: () =>
    output(
      "nvidia-smi",
      "--query-gpu=index,name,uuid,memory.total,memory.free,driver_version,compute_cap",
      "--format=csv,noheader,nounits",
    ),
  windows: () =>
    output(
      "powershell",
      "-NoProfile",
      "-Command",
      "Get-CimInstance Win32_VideoController | ForEach-Object { $_.Name + ',' + $_.DriverVersion }",
    ),
  drm: "/sys/class/drm",
};

const mebibyte = 2 ** 20;

const cells = (text: string | undefined) =>
  (text ?? "").split("\n").filter((line) => line.includes(","))
    .map((line) => line.split(",").map((cell) => cell.trim()));

function nvidiaCards(text: string | undefined): readonly Card[] {
  const known = (text: string | undefined, unit = 1) => {
    const value = Number(text);
    return text === undefined || text === "" || Number.isNaN(value) ? undefined : value * unit;
  };
  return cells(text).map(([index, name, uuid, total, free, driver, capability]): Card => ({
    index: Number(index),
    name,
    vendor: "nvidia",
    ...{ uuid, total: known(total, mebibyte), free: known(free, mebibyte), driver },
    computeCapability: known(capability),
  }));
}

async function amdCards(folder: string): Promise<readonly Card[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^card\d+$/.test(name));
  const cards: Card[] = [];
  for (const name of names.sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))) {
    const bytes = (file: string) =>
      readFile(join(folder, name, "device", file), "utf8").then(Number, () => Number.NaN);
    const total = await bytes("mem_info_vram_total");
    const free = total - await bytes("mem_info_vram_used");
    if (Number.isNaN(free)) continue;
    cards.push({ index: cards.length, name: `graphics card ${name}`, vendor: "amd", total, free });
  }
  return cards;
}

export async function listCards(sources: CardSources = thisMachine): Promise<readonly Card[]> {
  const nvidia = nvidiaCards(await sources.nvidia());
  if (sources.platform === "win32") {
    const names = new Set(nvidia.map(({ name }) => name));
    const others = cells(await sources.windows()).filter(([name]) => !names.has(name))
      .map(([name, driver], index): Card => ({ index, name, vendor: "other", driver }));
    return [...nvidia, ...others];
  }
  return sources.platform === "linux" ? [...nvidia, ...await amdCards(sources.drm)] : nvidia;
}
