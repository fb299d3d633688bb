// Which trainings a worker leaves to others, and why: said once here, and shown by `fleet`.
// The trap: what waits no longer is not asked about any more, so an answer is forgotten after a while. And one that
// was tried in between and met the same again (a full disk) is no news.
import { Schema } from "effect";

const { Array: List, Int, String: Text, Struct } = Schema;

export const Left = List(Struct({ sweep: Text, trial: Int, why: Text }));
export type Left = typeof Left.Type;

export interface LeftItems {
  /** `why` null: it is not left. True: that is news. */
  readonly note: (item: Omit<Left[number], "why">, why: string | null) => boolean;
  readonly all: () => Left;
}

interface Known {
  readonly item: Left[number];
  /** When it was last left. */
  readonly at: number;
  readonly isLeft: boolean;
  /** The reason that was news. */
  readonly told: string;
}

const shownForMs = 60_000;
const rememberedForMs = 3_600_000;

export function leftItems(now: () => number = () => performance.now()): LeftItems {
  const known = new Map<string, Known>();
  return {
    note: ({ sweep, trial }, why) => {
      const key = JSON.stringify([sweep, trial]);
      const before = known.get(key);
      if (why === null) {
        if (before !== undefined) known.set(key, { ...before, isLeft: false });
        return false;
      }
      const isNews = before === undefined || !before.isLeft && before.told !== why;
      const told = isNews ? why : before.told;
      known.set(key, { item: { sweep, trial, why }, at: now(), isLeft: true, told });
      return isNews;
    },
    all: () => {
      const ageOf = ({ at }: Known) => now() - at;
      for (const [key, each] of known) if (ageOf(each) > rememberedForMs) known.delete(key);
      return [...known.values()].filter((each) => each.isLeft && ageOf(each) <= shownForMs)
        .map(({ item }) => item);
    },
  };
}
