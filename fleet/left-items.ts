// Which trainings a worker leaves to others, and why: said once here, and shown by `fleet`.
// The trap: what waits no longer is not asked about any more, so an answer is forgotten after a while.
import { Schema } from "effect";

const { Array: List, Int, String: Text, Struct } = Schema;

export const Left = List(Struct({ sweep: Text, trial: Int, why: Text }));
export type Left = typeof Left.Type;

export interface LeftItems {
  /** `why` null: it is not left. True: that is news. */
  readonly note: (item: Omit<Left[number], "why">, why: string | null) => boolean;
  readonly all: () => Left;
}

const forgottenAfterMs = 60_000;

export function leftItems(now: () => number = () => performance.now()): LeftItems {
  const known = new Map<string, { readonly item: Left[number]; readonly at: number }>();
  return {
    note: ({ sweep, trial }, why) => {
      const key = JSON.stringify([sweep, trial]);
      const isNews = why !== null && !known.has(key);
      if (why === null) known.delete(key);
      else known.set(key, { item: { sweep, trial, why }, at: now() });
      return isNews;
    },
    all: () => {
      const since = now() - forgottenAfterMs;
      for (const [key, { at }] of known) if (at < since) known.delete(key);
      return [...known.values()].map(({ item }) => item);
    },
  };
}
