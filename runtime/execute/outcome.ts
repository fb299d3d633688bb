// How an attempt at a run ended, for people and as the command's exit code: 0 done, 2 the user's to change, 3
// the world's (disk, network, device), 70 a defect of gnomic or of a stage, 130 stopped by Ctrl-C.
import { Cause, Effect, type Exit } from "effect";
import { asFault } from "../../lib/as-fault.ts";
import { allFaults, type Fault, Stopped } from "../../lib/fault.ts";
import { namesIn } from "../../lib/look.ts";
import type { Outcomes } from "./execute.ts";

export const exitCodes = { done: 0, user: 2, world: 3, defect: 70, stopped: 130 } as const;

export const exitCodeOf = (fault: Fault): number =>
  fault instanceof Stopped ? exitCodes.stopped : exitCodes[fault.kind];

/** How an attempt at a run ended. */
export interface RunOutcome {
  /** complete: everything is made. part: what was selected is made. paused: it is at --to-step. */
  readonly ending: "complete" | "part" | "paused" | "stopped" | "failed";
  /** Its name. */
  readonly run: string;
  /** Its folder. */
  readonly dir: string;
  /** Finished steps. */
  readonly step: number | null;
  /** False: it was complete already, and nothing was done. */
  readonly worked: boolean;
  /** Result files, by name in `dir`. */
  readonly files: readonly string[];
  /** Why it failed. */
  readonly fault: Fault | null;
}

export const exitCodeOfOutcome = (
  { ending, fault }: Pick<RunOutcome, "ending" | "fault">,
): number =>
  ending === "stopped"
    ? exitCodes.stopped
    : ending === "failed" && fault !== null
    ? exitCodeOf(fault)
    : exitCodes.done;

/** What an execution came to; `whole` if every stage of the run folder took part. */
export function outcomeOf(
  exit: Exit.Exit<Outcomes, Fault>,
  whole: boolean,
): Pick<RunOutcome, "ending" | "fault"> {
  if (exit._tag === "Failure") {
    const { cause } = exit;
    if (Cause.hasInterruptsOnly(cause)) return { ending: "stopped", fault: null };
    const fault = asFault(Cause.squash(cause));
    return fault instanceof Stopped
      ? { ending: "stopped", fault: null }
      : { ending: "failed", fault };
  }
  const outcomes = [...exit.value.values()];
  const faults = outcomes.flatMap((each) => each.outcome === "failed" ? each.fault : []);
  if (outcomes.some(({ outcome }) => outcome === "stopped")) {
    return { ending: "stopped", fault: null };
  }
  if (faults.length > 0) return { ending: "failed", fault: allFaults(faults) };
  return outcomes.some(({ outcome }) => outcome === "paused")
    ? { ending: "paused", fault: null }
    : { ending: whole ? "complete" : "part", fault: null };
}

/** The result files at the top of a run folder. */
export const resultFiles = (
  dir: string,
  isResult: (name: string) => boolean,
): Effect.Effect<readonly string[]> =>
  Effect.map(namesIn(dir), (names) => names.filter(isResult).toSorted());
