// How an attempt at a run ended, for people and for the exit code.
import { readdir } from "node:fs/promises";
import { Cause, Effect, type Exit } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { asFault } from "../../lib/as-fault.ts";
import { allFaults } from "../../lib/faults.ts";
import { Stopped } from "../../lib/stopped.ts";
import type { Outcomes } from "./execute.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";

export interface Ending {
  /** complete: everything is made. part: what was selected is made. */
  readonly ending: "complete" | "part" | "stopped" | "failed";
  readonly run: string;
  readonly dir: string;
  /** Finished steps. */
  readonly step: number | null;
  /** False: it was complete already, and nothing was done. */
  readonly worked: boolean;
  /** Result files, by name in `dir`. */
  readonly files: readonly string[];
  readonly fault: Fault | null;
}

export const exitCodeOfEnding = ({ ending, fault }: Pick<Ending, "ending" | "fault">): number =>
  ending === "stopped"
    ? exitCodes.stopped
    : ending === "failed" && fault !== null
    ? exitCodeOf(fault)
    : exitCodes.done;

/** What an execution came to; `whole` if every stage of the run folder took part. */
export function endingOf(
  exit: Exit.Exit<Outcomes, Fault>,
  whole: boolean,
): Pick<Ending, "ending" | "fault"> {
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
  return faults.length > 0
    ? { ending: "failed", fault: allFaults(faults) }
    : { ending: whole ? "complete" : "part", fault: null };
}

/** The result files at the top of a run folder. */
export const resultFiles = (dir: string): Effect.Effect<readonly string[]> =>
  Effect.tryPromise(() => readdir(dir)).pipe(
    Effect.map((names) =>
      names.filter((name) => name.endsWith(".safetensors") && name !== "state.safetensors").sort()
    ),
    Effect.orElseSucceed((): string[] => []),
  );
