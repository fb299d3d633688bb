// Whether a process works in a run's folder now, as its lock says. A run that was killed is not alive
// although its events do not say that it ended.
import { Effect } from "effect";
import { ask } from "../edge.ts";
import { lockState } from "../../lib/lock.ts";

export const isAlive = (runDir: string): Promise<boolean> =>
  ask(
    lockState(runDir).pipe(
      Effect.map(({ state }) => state !== "free"),
      Effect.orElseSucceed(() => false),
    ),
  );
