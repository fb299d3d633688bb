// What is said to somebody whose card does not work, for the failures that ONNX Runtime gives.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { installHint, type Machine, thisMachine } from "./install-hints.ts";

const debian: Machine = {
  platform: "linux",
  install: "sudo apt install",
  hasNvidiaCard: true,
  hasVulkanLoader: true,
  runInstallScript: "node install.js",
};
const noAdapter = "Failed to get a WebGPU adapter: No supported adapters";

test("CUDA: the driver, then ONNX Runtime's library, then CUDA's own, of the version it wants", () => {
  const cuda = (found: string | undefined, machine: Partial<Machine> = {}) =>
    installHint("cuda", found, { ...debian, ...machine });
  assert.match(cuda(undefined, { hasNvidiaCard: false })!, /apt install nvidia-driver/);
  assert.equal(cuda(undefined), "node install.js --onnxruntime-node-install=cuda12");
  const missing = (library: string) =>
    `Failed to load library libonnxruntime_providers_cuda.so with error: ${library}: ` +
    "cannot open shared object file: No such file or directory";
  assert.match(cuda(missing("libcublasLt.so.12"))!, /cuda-libraries-12-9 cudnn9-cuda-12/);
  assert.match(cuda(missing("libcudart.so.13"))!, /cuda-libraries-13-0 cudnn9-cuda-13/);
  assert.match(cuda(missing("libcudnn.so.9"))!, /cudnn9-cuda-12/);
  assert.match(cuda("CUDA failure 35: driver version is insufficient")!, /nvidia-driver/);
});

test("WebGPU: the Vulkan loader and drivers, by the distribution's packages", () => {
  const webgpu = (machine: Partial<Machine>) =>
    installHint("webgpu", noAdapter, { ...debian, ...machine });
  const without = { hasVulkanLoader: false, hasNvidiaCard: false };
  assert.equal(webgpu(without), "sudo apt install libvulkan1 mesa-vulkan-drivers");
  assert.match(webgpu({ ...without, install: "sudo dnf install" })!, /vulkan-loader/);
  assert.match(webgpu({ ...without, install: "sudo pacman -S" })!, /vulkan-icd-loader/);
  assert.match(webgpu({})!, /nvidia-driver/);
  assert.equal(webgpu({ install: undefined }), undefined);
});

test("other systems: the driver on Windows, nothing to install on a Mac", () => {
  assert.match(installHint("dml", "no adapter", { ...debian, platform: "win32" })!, /driver/);
  assert.equal(installHint("coreml", "x", { ...debian, platform: "darwin" }), undefined);
});

test("this machine's install script is there", async () => {
  const { runInstallScript } = await thisMachine();
  assert.ok(existsSync(runInstallScript.split(" ").at(-1)!), runInstallScript);
});
