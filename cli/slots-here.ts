// What this machine has for trainings, looked at once: a slot is a card, or the processor.
// The trap: memory is counted as it is sold, so a card of 24 GB that says 23.99 is one of 24.
import { availableParallelism, totalmem } from "node:os";
import { listCards } from "../engine/memory/cards.ts";
import { listProviders } from "../engine/setup/installed-providers.ts";
import type { Offers } from "../fleet/queues.ts";

/** Threads of each of so many trainings at once on the processor. */
export const threadsOf = (slots: number): number =>
  Math.max(1, Math.floor(availableParallelism() / slots));

/** The same for a training that is told; null: it is alone, and takes what its configuration says. */
export const threadsOfEach = (slots: number): number | null =>
  slots === 1 ? null : threadsOf(slots);

/** `wanted`: null, as many as there are cards. */
export async function slotsHere(
  wanted: number | null,
): Promise<{ readonly slots: number; readonly offers: Offers }> {
  const ready = (await listProviders()).filter((each) => each.ready).map((each) => each.provider);
  const sizes = (await listCards()).flatMap(({ total }) => total === undefined ? [] : [total]);
  const providers = sizes.length === 0 ? ["cpu"] : ready;
  const slots = wanted ?? Math.max(1, sizes.length);
  const bytes = sizes.length === 0 ? totalmem() / slots : Math.min(...sizes);
  return { slots, offers: { providers, memory: Math.ceil(bytes / 2 ** 30) } };
}
