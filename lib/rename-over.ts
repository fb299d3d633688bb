// A rename over a file that another program may hold open. Windows refuses that for as long as it does (a virus
// scanner, an indexer, a viewer), which passes; elsewhere nobody is in the way.
// The trap: the same codes mean missing rights elsewhere, so there it is tried once.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "./disk-fault.ts";

const waitsMs = [20, 50, 100, 200, 400, 800];

/** Throws what `rename` threw last. */
export async function renameOver(
  rename: () => Promise<void>,
  platform: string = process.platform,
): Promise<void> {
  for (const wait of platform === "win32" ? waitsMs : []) {
    try {
      return await rename();
    } catch (cause) {
      if (!["EPERM", "EACCES", "EBUSY"].includes(errnoOf(cause))) throw cause;
      await sleep(wait);
    }
  }
  await rename();
}
