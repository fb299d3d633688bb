// The attempt itself, in a run folder that is locked: the manifest says that it begins, the plan is
// executed, and the manifest says how it ended.
// The trap: that is noted last. Killed before the report is written, a run is not complete, so that the same
// command writes it.
import { Effect } from "effect";
import type { Plan } from "../plan/plan.ts";
import type { Prepared } from "../plan/prepare.ts";
import { attended, type Attending, isOurs, type Place } from "./attended.ts";
import { beginAttempt } from "./attempt.ts";
import { type Ending, exitCodeOfEnding } from "./ending.ts";
import { sweepTemporary } from "./sweep.ts";

export const work = Effect.fnUntraced(function* (
  prepared: Prepared,
  plan: Plan,
  place: Place,
  attending: Attending,
) {
  if (place.lock !== null) yield* sweepTemporary(place.dir);
  const noted = place.lock === null ? null : yield* beginAttempt(prepared);
  let ending: Ending | undefined;
  const note = Effect.suspend(() =>
    noted === null || ending === undefined || !isOurs(ending) ? Effect.void : noted.end({
      exit: exitCodeOfEnding(ending),
      complete: ending.ending === "complete",
    })
  );
  yield* attended(prepared, plan, place, attending, noted, (made) => ending = made).pipe(
    Effect.onExit(() => Effect.ignore(note)),
  );
  return ending!;
});
