// Why CUDA does not work, from how the check failed and what the machine has. ONNX Runtime's package is
// built for CUDA 13: NVIDIA's driver 580 or later, a card of compute capability 7.5 or later (RTX 20,
// GTX 16), CUDA 13's libraries and cuDNN 9.
// The trap: where a library is missing, JavaScript is told "Failed to load shared library" and no name;
// the name is on the process's stderr, and in the machine's list.
import type { Machine } from "./machine.ts";

export type CudaProblem =
  | "not in the package"
  | "no driver"
  | "old driver"
  | "old card"
  | "no provider library"
  | "no toolkit"
  | "no cuDNN"
  | "no card"
  | "another";

export const leastDriver = 580;
export const leastCapability = 7.5;

const cudnn = /libcudnn\S*|cudnn is (?:not available|unavailable)|cudnn_status_not_initialized/i;
const driver = "libcuda.so.1";

/** `found`: how the check failed, stderr included; undefined: ONNX Runtime's CUDA library is not there. */
export function cudaProblem(found: string | undefined, machine: Machine): CudaProblem {
  const { platform, arch, nvidiaDriver, computeCapability, missingLibraries } = machine;
  const text = found ?? "";
  const failure = /CUDA failure (\d+)/i.exec(text)?.[1];
  const named = /(lib[\w.-]+\.so[.\d]*): cannot open shared object/.exec(text)?.[1];
  if (platform !== "linux" || arch !== "x64") return "not in the package";
  if (failure === "35") return "old driver";
  if (failure === "209") return "old card";
  if (failure === "100") return "no card";
  if (named === driver || missingLibraries.includes(driver)) return "no driver";
  if (Number.parseInt(nvidiaDriver ?? "", 10) < leastDriver) return "old driver";
  if ((computeCapability ?? Infinity) < leastCapability) return "old card";
  if (found === undefined) return "no provider library";
  if (cudnn.test(text) && named?.startsWith("libcudnn") !== false) return "no cuDNN";
  const missing = [...missingLibraries, ...named === undefined ? [] : [named]];
  if (missing.some((name) => !name.startsWith("libcudnn"))) return "no toolkit";
  return missing.length > 0 ? "no cuDNN" : "another";
}
