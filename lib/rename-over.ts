// A rename over a file that another program may hold open. Windows refuses that for as long as it does (a virus
// scanner, an indexer, a viewer), which passes; elsewhere nobody is in the way.
// The trap: the same codes mean missing rights elsewhere, so there it is tried once.
import process from "node:process";
import { Effect, Schedule } from "effect";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "./disk-fault.ts";

/** It is tried again after 20, 40, ... 640 ms. */
const firstWaitMs = 20;
const retries = 6;

const passes = (cause: unknown, platform: string) =>
  platform === "win32" && ["EPERM", "EACCES", "EBUSY"].includes(errnoOf(cause));

/** Fails with what `rename` failed with last. */
export const renamed = <E>(
  rename: Effect.Effect<void, E>,
  platform: string = process.platform,
): Effect.Effect<void, E> =>
  Effect.retry(rename, {
    while: (error) => passes(error, platform),
    schedule: Schedule.upTo(Schedule.exponential(firstWaitMs), { times: retries }),
  });

/** The same for plain TypeScript. Throws what `rename` threw last. */
export async function renameOver(
  rename: () => Promise<void>,
  platform: string = process.platform,
): Promise<void> {
  for (let done = 0;; done++) {
    try {
      return await rename();
    } catch (cause) {
      if (done === retries || !passes(cause, platform)) throw cause;
      await sleep(firstWaitMs * 2 ** done);
    }
  }
}
