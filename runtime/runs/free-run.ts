// A run's folder for this process alone, while it is packed or removed. Nothing may be written meanwhile.
// The trap: the lock lies in the folder, so it must not be packed with it.
import { Effect, type Scope } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { lockRun } from "../../lib/lock.ts";
import type { SurveyedRun } from "./survey.ts";

/** What the lock and readers leave in a run's folder, and what a killed write may. */
export const isPassing = (name: string): boolean =>
  /^(lock\.json|\.events-index)/.test(name) || name.endsWith(".tmp");

/** Until the scope closes. Fails with RunLocked while a training runs in it. */
export const holdRun = ({ dir }: SurveyedRun): Effect.Effect<void, Fault, Scope.Scope> =>
  Effect.asVoid(lockRun(dir));
