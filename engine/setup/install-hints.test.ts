// What is said to somebody whose card does not work, for the texts that ONNX Runtime 1.30, CUDA and Dawn
// really give.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { faultOf } from "../device/device-fault.ts";
import { cudaProblem } from "./cuda-problem.ts";
import { installHint } from "./install-hints.ts";
import { cudaLibraries, distributionOf, type Machine, thisMachine } from "./machine.ts";

/** A machine on which CUDA would work. */
const debian: Machine = {
  platform: "linux",
  arch: "x64",
  distribution: "debian",
  isWsl: false,
  nvidiaDriver: "580.95.05",
  computeCapability: 8.9,
  missingLibraries: [],
  hasVulkanLoader: true,
  runInstallScript: "node install.js",
};
const toolkit = cudaLibraries.filter((name) => name !== "libcuda.so.1");
const without = (...missingLibraries: readonly string[]) => ({ missingLibraries });

// The texts: what JavaScript is told, and what the process writes to stderr.
const noLibrary = "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library";
const onStderr = (library: string) =>
  "\u001b[1;31m2026-01-01 10:00:00.0 [E:onnxruntime:Default, provider_bridge_ort.cc:2251 TryGetProviderInfo_CUDA] " +
  "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1844 onnxruntime::Provider& " +
  "onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library " +
  `libonnxruntime_providers_cuda.so with error: ${library}: cannot open shared object file: ` +
  "No such file or directory\n\u001b[m\n";
const cudnnTexts = [
  "cuDNN is not available. Install cuDNN, or use a build without it.",
  "cuDNN is unavailable or disabled for this session.",
  "dlopen failed for libcudnn.so.9",
];
const oldDriver =
  "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; " +
  "GPU=-1 ; hostname=x ; file=cuda_execution_provider_info.cc ; line=65 ; expr=cudaGetDeviceCount";
const oldCard =
  "CUDA failure 209: no kernel image is available for execution on the device ; GPU=0";

const cuda = (found: string | undefined, machine: Partial<Machine> = {}) =>
  installHint("cuda", found, { ...debian, ...machine }) ?? "";

test("the fault of a failed child holds the library that only its stderr names", () => {
  const fault = faultOf("cuda", noLibrary, onStderr("libcublasLt.so.13"));
  assert.match(fault.found, /libcublasLt\.so\.13/);
  assert.ok(!fault.found.includes("\u001b"));
  assert.equal(cudaProblem(fault.found, debian), "no toolkit");
});

test("CUDA's libraries, by the loader's list or by what the child said", () => {
  for (const distribution of ["debian", "ubuntu", "fedora"] as const) {
    const hint = cuda(noLibrary, { distribution, ...without(...toolkit) });
    assert.match(hint, /(apt|dnf) install cuda-libraries-13-0 cudnn9-cuda-13 .*repository/);
  }
  assert.match(cuda(`${noLibrary} (${onStderr("libcudart.so.13")})`), /cuda-libraries-13-0/);
  assert.equal(
    cuda(noLibrary, { distribution: "arch", ...without(...toolkit) }),
    "sudo pacman -S cuda cudnn",
  );
  assert.doesNotMatch(cuda(noLibrary, without(...toolkit)), /nvidia-driver|-12/);
});

test("cuDNN alone is missing: three texts", () => {
  for (const text of cudnnTexts) {
    assert.match(cuda(text, without("libcudnn.so.9")), /install cudnn9-cuda-13 /, text);
    assert.doesNotMatch(cuda(text), /cuda-libraries/, text);
  }
});

test("the driver: none, too old, and as each system names it", () => {
  const none = {
    nvidiaDriver: undefined,
    computeCapability: undefined,
    ...without(...cudaLibraries),
  };
  assert.match(cuda(noLibrary, none), /apt install cuda-drivers .*Debian's own is older/);
  assert.equal(
    cuda(undefined, { ...none, distribution: "ubuntu" }),
    "sudo ubuntu-drivers install (with an NVIDIA card)",
  );
  const missing = `${noLibrary} (${onStderr("libcuda.so.1")})`;
  assert.match(cuda(missing, { distribution: "fedora" }), /akmod-nvidia/);
  assert.match(cuda(oldDriver, { nvidiaDriver: "550.163.01" }), /580 or later, not 550\.163\.01/);
  assert.match(cuda(undefined, { nvidiaDriver: "535.1" }), /580 or later/);
  assert.doesNotMatch(cuda(oldDriver, { distribution: "ubuntu" }), /nvidia-driver/);
});

test("an old card is told to use WebGPU", () => {
  assert.match(cuda(oldCard), /provider: webgpu/);
  assert.match(cuda(undefined, { computeCapability: 6.1 }), /provider: webgpu.*this one has 6\.1/);
});

test("WSL2: never a Linux driver", () => {
  const wsl = { isWsl: true, distribution: "ubuntu" } as const;
  const hints = [
    cuda(noLibrary, { ...wsl, nvidiaDriver: undefined, ...without(...cudaLibraries) }),
    cuda(oldDriver, wsl),
    installHint("webgpu", "Failed to get a WebGPU adapter", { ...debian, ...wsl })!,
  ];
  assert.match(hints[0], /in Windows, and none in WSL2/);
  for (const hint of hints) assert.doesNotMatch(hint, /sudo .*(driver|nvidia)/);
  assert.match(
    cuda(noLibrary, { ...wsl, ...without(...toolkit) }),
    /cuda-libraries-13-0.*WSL-Ubuntu/,
  );
});

test("ONNX Runtime's own library, then nothing to say of what nobody knows", () => {
  assert.match(cuda(undefined), /^node install\.js --onnxruntime-node-install=cuda12/);
  assert.equal(cuda("something else"), "");
});

test("where the package has no CUDA at all", () => {
  assert.match(cuda(undefined, { arch: "arm64" }), /processor only/);
  assert.match(cuda(undefined, { platform: "win32", distribution: undefined }), /webgpu or dml/);
  const mac = { ...debian, platform: "darwin", arch: "x64", distribution: undefined };
  assert.match(installHint("webgpu", "x", mac)!, /Intel/);
});

test("WebGPU: the Vulkan loader and drivers, by the distribution's packages", () => {
  const webgpu = (machine: Partial<Machine>) =>
    installHint("webgpu", "Failed to get a WebGPU adapter: No supported adapters", {
      ...debian,
      ...machine,
    });
  const bare = { hasVulkanLoader: false, nvidiaDriver: undefined };
  assert.equal(webgpu(bare), "sudo apt install libvulkan1 mesa-vulkan-drivers");
  assert.match(webgpu({ ...bare, distribution: "fedora" })!, /vulkan-loader/);
  assert.match(webgpu({ ...bare, distribution: "arch" })!, /vulkan-icd-loader/);
  assert.match(webgpu({})!, /nvidia-driver/);
  assert.equal(webgpu({ distribution: "ubuntu" }), "sudo ubuntu-drivers install");
  assert.match(webgpu({ distribution: undefined })!, /Vulkan/);
  assert.match(webgpu({ arch: "arm64" })!, /processor only/);
  assert.match(installHint("webgpu", "x", { ...debian, platform: "win32" })!, /driver/);
});

test("a system is what it is itself before what it is like", () => {
  const of = (id: string, like: string) => distributionOf(`ID_LIKE="${like}"\nID=${id}\n`);
  assert.equal(of("linuxmint", "ubuntu debian"), "ubuntu");
  assert.equal(of("ubuntu", "debian"), "ubuntu");
  assert.equal(of("debian", ""), "debian");
  assert.equal(of("rocky", "rhel centos fedora"), "fedora");
  assert.equal(of("manjaro", "arch"), "arch");
  assert.equal(of("alpine", ""), undefined);
});

test("this machine: its install script is there", async () => {
  const { runInstallScript, missingLibraries } = await thisMachine();
  assert.ok(existsSync(runInstallScript.split(" ").at(-1)!), runInstallScript);
  assert.ok(missingLibraries.every((name) => (cudaLibraries as readonly string[]).includes(name)));
});
