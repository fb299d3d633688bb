// The queues of a fleet: trainings by what they need and how urgent they are, so that a free slot takes only
// what it can train, the urgent first and of those the largest, since small ones fit anywhere later.
// The trap: the number in a queue's name is that of the item's form; a worker of before must not read it.
import { Schema } from "effect";
import type { PlannedSweep, PlannedTrial } from "./planned-sweep.ts";

const protocol = "segments/2";
const anyProvider = "any";

/** Of memory, in GiB; what needs more than the largest counts as the largest. */
const memoryClasses = [8, 12, 16, 24, 48, 80] as const;

const priorities = ["high", "normal", "low"] as const;

/** What a slot of a worker has. */
export const Offers = Schema.Struct({
  providers: Schema.Array(Schema.String),
  /** GiB. */
  memory: Schema.Finite,
});
export type Offers = typeof Offers.Type;

interface QueueParts {
  readonly provider: string;
  readonly memory: number;
  readonly priority: typeof priorities[number];
}

const nameOf = ({ provider, memory, priority }: QueueParts) =>
  [protocol, provider, memory, priority].join("/");

const parse = (name: string): QueueParts | null => {
  if (!name.startsWith(`${protocol}/`)) return null;
  const [provider, memory, priority] = name.slice(protocol.length + 1).split("/");
  return { provider, memory: Number(memory), priority: priority as QueueParts["priority"] };
};

export const memoryClass = (gib: number): number =>
  memoryClasses.find((size) => gib <= size) ?? memoryClasses.at(-1)!;

/** Where a trial's trainings wait. */
export const queueOf = (
  { priority }: Pick<PlannedSweep, "priority">,
  { needs }: Pick<PlannedTrial, "needs">,
): string =>
  nameOf({
    provider: needs?.provider ?? anyProvider,
    memory: memoryClass(needs?.memory ?? 0),
    priority,
  });

/** What a slot must have for it, for people: "cuda and 24 GiB a slot". */
export const needsText = (queue: string): string => {
  const { provider, memory } = parse(queue)!;
  return `${provider === anyProvider ? "" : `${provider} and `}${memory} GiB a slot`;
};

/** Whether a slot can train what waits there. */
export const serves = (queue: string, offers: Offers | null): boolean => {
  const parts = parse(queue);
  if (parts === null) return false;
  // The smallest class holds everything small, also what fits into less.
  const fits = offers === null || parts.memory <= offers.memory ||
    parts.memory === memoryClasses[0];
  return fits && (offers === null || parts.provider === anyProvider ||
    offers.providers.includes(parts.provider));
};

/** High before normal before low, large before small, what few can train before what all can. */
export function inOrder(queues: Iterable<string>): readonly string[] {
  const order = (a: QueueParts, b: QueueParts) =>
    priorities.indexOf(a.priority) - priorities.indexOf(b.priority) || b.memory - a.memory ||
    Number(a.provider === anyProvider) - Number(b.provider === anyProvider);
  return [...queues]
    .flatMap((name) => {
      const parts = parse(name);
      return parts === null ? [] : [{ name, parts }];
    })
    .toSorted((a, b) => order(a.parts, b.parts))
    .map(({ name }) => name);
}
