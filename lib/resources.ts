// Exclusive resources of a run, e.g. the device: whoever wants one queues for it in the order they came.
// The trap: there is as much of each as the most that one demand takes, so nobody waits for what cannot be.
import { type Effect, Semaphore } from "effect";

export interface Resources {
  /** Holds all of these while `effect` runs. */
  readonly hold: <A, E, R>(
    amounts: Readonly<Record<string, number>>,
    effect: Effect.Effect<A, E, R>,
  ) => Effect.Effect<A, E, R>;
}

export function makeResources(
  demands: readonly Readonly<Record<string, number>>[],
): Resources {
  const semaphores = new Map<string, Semaphore.Semaphore>();
  const of = (name: string) => {
    const known = semaphores.get(name);
    if (known !== undefined) return known;
    const made = Semaphore.makeUnsafe(Math.max(1, ...demands.map((each) => each[name] ?? 0)));
    semaphores.set(name, made);
    return made;
  };
  return {
    // Always taken in the order of their names, so that two stages cannot wait for each other.
    hold: (amounts, effect) =>
      Object.keys(amounts).toSorted().reduceRight(
        (inner, name) => Semaphore.withPermits(of(name), amounts[name])(inner),
        effect,
      ),
  };
}
