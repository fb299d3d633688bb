// How much memory a device has free: what the process may still take on the CPU, what the card's maker says
// elsewhere, and on Macs a share of the main memory, which their graphics use.
// The trap: other programs hold memory of a card too, a desktop half a gibibyte and more.
import type { Provider } from "../device/providers.ts";
import { type AvailableMemory, availableMemory } from "./available-memory.ts";
import type { Card } from "./cards.ts";

/** The share of a Mac's memory that its graphics card may take by default. */
const shareOnMac = 0.7;

/** undefined where nobody says. On the CPU it is what the process may still take. */
export async function deviceMemory(
  provider: Provider,
  card: Pick<Card, "name" | "free"> | undefined,
  platform: string = process.platform,
): Promise<AvailableMemory | undefined> {
  if (provider === "cpu") return availableMemory();
  if (platform === "darwin") {
    const { bytes } = await availableMemory();
    return { bytes: bytes * shareOnMac, by: "the memory that this Mac's graphics may take" };
  }
  return card?.free === undefined ? undefined : { bytes: card.free, by: `the ${card.name}` };
}
