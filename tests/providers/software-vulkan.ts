// A graphics card in software, to test WebGPU without one: SwiftShader, as Debian's `chromium` ships it.
// The trap: the Vulkan loader that Dawn opens by name comes with chromium too, where the system has none,
// and the path to it must be set before the device's process starts.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { tmpdir } from "node:os";
import { skipUnlessAsked } from "../peers/asked.ts";

const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";

const missing = process.platform !== "linux" || !existsSync(driver)
  ? "no software Vulkan: install Debian's `chromium`"
  : false;

/** False, or why a test cannot run here. */
export const skip = skipUnlessAsked || missing;

if (skip !== false && skip === missing && process.env.GNOMIC_REQUIRE_PEERS === "1") {
  throw new Error(skip);
}

/** For processes that are started from now on. */
export function useSoftwareVulkan(): void {
  process.env.VK_ICD_FILENAMES = driver;
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  const libraries = [dirname(driver), process.env.LD_LIBRARY_PATH];
  process.env.LD_LIBRARY_PATH = libraries.filter((path) => path !== undefined).join(":");
}
