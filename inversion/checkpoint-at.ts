// Which file holds the rows of a step, told from a run's events.
// The trap: a best file is one path that the next best rows replace, so it holds a step only while no
// later best came, and a step's own checkpoint, which nobody replaces, goes before it.
import type { RunEvent, RunEventOf } from "./events.ts";

/** The checkpoint that holds a step's rows now; undefined: none does. */
export function checkpointAt(
  events: readonly RunEvent[],
  step: number,
): RunEventOf<"checkpoint"> | undefined {
  const pruned = new Set(
    events.flatMap((event) => event.event === "checkpoint-pruned" ? event.path : []),
  );
  const written = events.filter((event) => event.event === "checkpoint");
  const own = written.findLast((each) =>
    !each.best && each.step === step && !pruned.has(each.path)
  );
  const best = written.findLast((each) => each.best);
  return own ?? (best?.step === step ? best : undefined);
}
