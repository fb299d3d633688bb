// What identifies a card and its driver, so that a check that passed is done again when either changes.
// The trap: only NVIDIA's and Windows's lists tell a driver's version; Vulkan drivers of Linux are known by
// when their files changed, and a Mac's come with its system.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Provider } from "../device/providers.ts";
import type { Card } from "../memory/cards.ts";

const icdFolders = [
  "/usr/share/vulkan/icd.d",
  "/etc/vulkan/icd.d",
  "/usr/local/share/vulkan/icd.d",
];

async function newest(): Promise<string> {
  const own = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES ?? "";
  const files = own !== ""
    ? own.split(":")
    : (await Promise.all(icdFolders.map((folder) =>
      readdir(folder).then((names) => names.map((name) => join(folder, name)), () => [])
    ))).flat();
  const times = await Promise.all(
    files.map((file) => stat(file).then(({ mtimeMs }) => mtimeMs, () => 0)),
  );
  return files.length === 0 ? "" : `${files.length} Vulkan drivers of ${Math.max(...times)}`;
}

/** Empty where nothing is known, and on the CPU. */
export async function driverStamp(
  provider: Provider,
  card: Card | undefined,
): Promise<string> {
  if (provider === "cpu") return "";
  const known = card === undefined ? "" : [card.name, card.driver ?? ""].join(" ").trim();
  const vulkan = process.platform === "linux" && card?.driver === undefined ? await newest() : "";
  return [known, vulkan].filter((part) => part !== "").join(", ");
}
