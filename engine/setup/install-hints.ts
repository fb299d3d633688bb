// The one command that makes a provider work which does not, from what the machine is and how the check
// failed. The trap: what helps depends on who is missing: ONNX Runtime's own library, CUDA's, the Vulkan
// loader or the card's driver; each failure names only the first of them.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Provider } from "../device/messages.ts";
import { packageFolder } from "./providers.ts";

export interface Machine {
  readonly platform: string;
  /** Installs packages, e.g. "sudo apt install". */
  readonly install: "sudo apt install" | "sudo dnf install" | "sudo pacman -S" | undefined;
  readonly hasNvidiaCard: boolean;
  readonly hasVulkanLoader: boolean;
  /** Runs ONNX Runtime's own install script. */
  readonly runInstallScript: string;
}

const libraryFolders = [
  "/usr/lib64",
  "/usr/lib",
  "/lib64",
  `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`,
];

export async function thisMachine(): Promise<Machine> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const family = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)/gm)].map(([, ids]) => ids).join(
    " ",
  );
  const install = /debian|ubuntu/.test(family)
    ? "sudo apt install"
    : /fedora|rhel|suse/.test(family)
    ? "sudo dnf install"
    : /arch/.test(family)
    ? "sudo pacman -S"
    : undefined;
  const runtime = process.versions.deno === undefined ? "node" : "deno run -A";
  return {
    platform: process.platform,
    install,
    hasNvidiaCard: existsSync("/proc/driver/nvidia/version"),
    hasVulkanLoader: libraryFolders.some((folder) => existsSync(join(folder, "libvulkan.so.1"))),
    runInstallScript: `${runtime} ${join(packageFolder(), "script", "install.js")}`,
  };
}

const vulkanPackages = {
  "sudo apt install": "libvulkan1 mesa-vulkan-drivers",
  "sudo dnf install": "vulkan-loader mesa-vulkan-drivers",
  "sudo pacman -S": "vulkan-icd-loader vulkan-radeon vulkan-intel",
};
const nvidiaPackages = {
  "sudo apt install": "nvidia-driver",
  "sudo dnf install": "akmod-nvidia",
  "sudo pacman -S": "nvidia",
};

/** CUDA's and cuDNN's libraries of the version that the provider's library asked for. */
function cudaPackages(install: Machine["install"], missing: string): string {
  const major = /lib(?:cublas|cublasLt|cudart|cufft|curand)\.so\.(\d+)/.exec(missing)?.[1] ?? "12";
  return install === "sudo pacman -S"
    ? "cuda cudnn"
    : `cuda-libraries-${major}-${major === "12" ? "9" : "0"} cudnn9-cuda-${major}`;
}

/**
 * A command, or what to do where there is none; undefined where nothing helps. `found` is how the
 * provider failed its check, or undefined where its library is missing.
 */
export function installHint(
  provider: Provider,
  found: string | undefined,
  { platform, install, hasNvidiaCard, hasVulkanLoader, runInstallScript }: Machine,
): string | undefined {
  if (provider === "cpu") return undefined;
  if (platform === "win32") return "Update the graphics card's driver from its maker's site.";
  if (platform !== "linux" || install === undefined) return undefined;
  if (provider === "cuda") {
    if (!hasNvidiaCard) return `${install} ${nvidiaPackages[install]} (with an NVIDIA card)`;
    if (found === undefined) return `${runInstallScript} --onnxruntime-node-install=cuda12`;
    return /\.so\.\d+/.test(found)
      ? `${install} ${cudaPackages(install, found)} (from NVIDIA's package repository)`
      : `${install} ${nvidiaPackages[install]}`;
  }
  if (provider === "webgpu" && hasNvidiaCard && hasVulkanLoader) {
    return `${install} ${nvidiaPackages[install]}`;
  }
  return `${install} ${vulkanPackages[install]}`;
}
