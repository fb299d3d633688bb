// What a machine is, as far as it decides what it can compute on: its system, its drivers, and the
// libraries that the loader finds.
// The trap: in WSL2 the driver is Windows's. There is no /proc/driver/nvidia, and a Linux driver installed
// beside it breaks it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { listCards } from "../memory/cards.ts";
import { packageFolder } from "./installed-providers.ts";

export type Distribution = "debian" | "ubuntu" | "fedora" | "arch";

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Of Linux, by the family whose packages it takes. */
  readonly distribution: Distribution | undefined;
  readonly isWsl: boolean;
  /** NVIDIA's driver, e.g. "580.95.05"; "" where it is there and does not say. */
  readonly nvidiaDriver: string | undefined;
  /** Of NVIDIA's newest card, e.g. 8.9. */
  readonly computeCapability: number | undefined;
  /** Those of CUDA's libraries that the loader does not find. */
  readonly missingLibraries: readonly string[];
  readonly hasVulkanLoader: boolean;
  /** Runs ONNX Runtime's own install script. */
  readonly runInstallScript: string;
}

/** What ONNX Runtime 1.30's CUDA library needs, cuDNN by the time it computes. */
export const cudaLibraries = [
  "libcuda.so.1",
  "libcudart.so.13",
  "libcublas.so.13",
  "libcublasLt.so.13",
  "libcurand.so.10",
  "libcudnn.so.9",
] as const;

const systemFolders = (arch: string) => [
  `/usr/lib/${arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`,
  ...["/usr/lib64", "/usr/lib", "/lib64", "/lib", "/usr/lib/wsl/lib"],
];

/** Whether the loader finds a library: in LD_LIBRARY_PATH, in its cache, or where it always looks. */
async function libraryFinder(): Promise<(name: string) => boolean> {
  const cached = await promisify(execFile)("/sbin/ldconfig", ["-p"]).then(
    ({ stdout }) => stdout,
    () => "",
  );
  const names = new Set([...cached.matchAll(/^\s+(\S+) \(/gm)].map(([, name]) => name));
  const own = (process.env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== "");
  const folders = [...own, ...systemFolders(process.arch)];
  return (name) => names.has(name) || folders.some((folder) => existsSync(join(folder, name)));
}

/** From /etc/os-release: its own name before the ones that it is like. */
export function distributionOf(release: string): Distribution | undefined {
  const ids = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)/gm)]
    .sort(([a], [b]) =>
      a.length === b.length ? 0 : a.startsWith("ID=") ? -1 : b.startsWith("ID=") ? 1 : 0
    )
    .map(([, ids]) => ids).join(" ");
  if (/ubuntu/.test(ids)) return "ubuntu";
  if (/debian/.test(ids)) return "debian";
  if (/fedora|rhel|suse/.test(ids)) return "fedora";
  return /arch/.test(ids) ? "arch" : undefined;
}

const read = (path: string) => readFile(path, "utf8").catch(() => "");

export async function thisMachine(): Promise<Machine> {
  const [release, kernel, nvidia, cards, isFound] = await Promise.all([
    read("/etc/os-release"),
    read("/proc/sys/kernel/osrelease"),
    read("/proc/driver/nvidia/version"),
    listCards(),
    libraryFinder(),
  ]);
  const runtime = process.versions.deno === undefined ? "node" : "deno run -A";
  const [card] = cards.filter(({ vendor }) => vendor === "nvidia")
    .sort((a, b) => (b.computeCapability ?? 0) - (a.computeCapability ?? 0));
  const isLinux = process.platform === "linux";
  const loaded = /Kernel Module.*?(\d+\.\d[\d.]*)/.exec(nvidia)?.[1] ?? "";
  return {
    platform: process.platform,
    arch: process.arch,
    distribution: isLinux ? distributionOf(release) : undefined,
    isWsl: existsSync("/dev/dxg") || /microsoft/i.test(kernel),
    nvidiaDriver: card?.driver ?? (nvidia === "" ? undefined : loaded),
    computeCapability: card?.computeCapability,
    missingLibraries: isLinux ? cudaLibraries.filter((name) => !isFound(name)) : [],
    hasVulkanLoader: isFound("libvulkan.so.1"),
    runInstallScript: `${runtime} ${join(packageFolder(), "script", "install.js")}`,
  };
}
