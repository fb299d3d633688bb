// What makes a provider work which does not, from what the machine is and how the check failed: a command
// where there is one.
// The trap: what helps depends on who is missing (ONNX Runtime's own library, CUDA's, the Vulkan loader,
// the card's driver), and packages have other names on each system.
import type { Provider } from "../device/providers.ts";
import { cudaProblem, leastCapability, leastDriver } from "./cuda-problem.ts";
import type { Distribution, Machine } from "./machine.ts";

const installers: Readonly<Record<Distribution, string>> = {
  debian: "sudo apt install",
  ubuntu: "sudo apt install",
  fedora: "sudo dnf install",
  arch: "sudo pacman -S",
};
const vulkanPackages: Readonly<Record<Distribution, string>> = {
  debian: "libvulkan1 mesa-vulkan-drivers",
  ubuntu: "libvulkan1 mesa-vulkan-drivers",
  fedora: "vulkan-loader mesa-vulkan-drivers",
  arch: "vulkan-icd-loader vulkan-radeon vulkan-intel",
};
/** Any driver of NVIDIA's has Vulkan. */
const vulkanDriver: Readonly<Record<Distribution, string>> = {
  debian: "sudo apt install nvidia-driver",
  ubuntu: "sudo ubuntu-drivers install",
  fedora: "sudo dnf install akmod-nvidia",
  arch: "sudo pacman -S nvidia",
};
const repository = "NVIDIA's package repository, developer.nvidia.com/cuda-downloads";
const cudaDriver: Readonly<Record<Distribution, string>> = {
  ...vulkanDriver,
  debian: `sudo apt install cuda-drivers (from ${repository}; Debian's own is older)`,
};

const inWindows = `Install NVIDIA's driver ${leastDriver} or later in Windows, and none in WSL2: ` +
  "it comes from Windows, and a Linux driver breaks it.";

function cudaHint(found: string | undefined, machine: Machine): string | undefined {
  const { platform, arch, distribution, isWsl, nvidiaDriver, computeCapability } = machine;
  const driver = isWsl
    ? inWindows
    : distribution === undefined
    ? `Install NVIDIA's driver ${leastDriver} or later.`
    : cudaDriver[distribution];
  const packages = (names: string, onArch: string) =>
    distribution === undefined
      ? `Install ${names} from ${repository}.`
      : distribution === "arch"
      ? `sudo pacman -S ${onArch}`
      : `${installers[distribution]} ${names} (from ${repository}` +
        `${isWsl ? "; choose WSL-Ubuntu there" : ""})`;
  switch (cudaProblem(found, machine)) {
    case "not in the package":
      return platform === "win32"
        ? "ONNX Runtime's package has no CUDA for Windows: use webgpu or dml, or WSL2."
        : platform === "linux"
        ? `ONNX Runtime's package for Linux on ${arch} computes on the processor only.`
        : undefined;
    case "no driver":
      return `${driver}${isWsl ? "" : " (with an NVIDIA card)"}`;
    case "old driver":
      return `${driver}${isWsl ? "" : ","} ${isWsl ? "It" : "so that the driver"} is ` +
        `${leastDriver} or later${nvidiaDriver ? `, not ${nvidiaDriver}` : ""}: this is CUDA 13`;
    case "old card":
      return "Use provider: webgpu. CUDA 13 computes on RTX 20, GTX 16 and later cards (compute " +
        `capability ${leastCapability}${
          computeCapability === undefined ? "" : `; this one has ${computeCapability}`
        })`;
    case "no provider library":
      return `${machine.runInstallScript} --onnxruntime-node-install=cuda12 ` +
        "(the name is old: it fetches CUDA 13)";
    case "no toolkit":
      return packages("cuda-libraries-13-0 cudnn9-cuda-13", "cuda cudnn");
    case "no cuDNN":
      return packages("cudnn9-cuda-13", "cudnn");
    case "no card":
      return isWsl ? inWindows : "No NVIDIA card is seen: look at `nvidia-smi`, and at " +
        "CUDA_VISIBLE_DEVICES if it is set.";
    case "another":
      return undefined;
  }
}

function webgpuHint(machine: Machine): string | undefined {
  const { platform, arch, distribution, isWsl, nvidiaDriver, hasVulkanLoader } = machine;
  if (platform !== "linux") return undefined;
  if (arch !== "x64") {
    return `ONNX Runtime's package for Linux on ${arch} computes on the processor only.`;
  }
  if (isWsl) return "WSL2 has no Vulkan for the card: use cuda, or run gnomic in Windows.";
  if (distribution === undefined) return "Install the Vulkan loader and the card's Vulkan driver.";
  return nvidiaDriver !== undefined && hasVulkanLoader
    ? vulkanDriver[distribution]
    : `${installers[distribution]} ${vulkanPackages[distribution]}`;
}

/**
 * A command, or what to do where there is none; undefined where nothing helps. `found` is how the
 * provider failed its check, stderr included, or undefined where its library is missing.
 */
export function installHint(
  provider: Provider,
  found: string | undefined,
  machine: Machine,
): string | undefined {
  const { platform, arch } = machine;
  if (platform === "darwin" && arch === "x64") {
    return "ONNX Runtime's package has nothing for Macs with Intel's chips: gnomic cannot compute here.";
  }
  switch (provider) {
    case "cpu":
      return undefined;
    case "cuda":
      return cudaHint(found, machine);
    case "webgpu":
      if (platform !== "win32") return webgpuHint(machine);
  }
  return platform === "win32"
    ? "Update the graphics card's driver from its maker's site."
    : undefined;
}
