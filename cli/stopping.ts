// A command's long work until it ends or a soft stop interrupts it.
// The trap: stopped, it ends by an interrupt, which is no failure of its own.
import { Effect, Fiber } from "effect";
import { onSoftStop } from "./signals.ts";

/** True: it was stopped. `told` is called when that is asked for. */
export const untilStopped = <E, R>(
  work: Effect.Effect<unknown, E, R>,
  told: () => void,
): Effect.Effect<boolean, E, R> =>
  Effect.gen(function* () {
    let isStopped = false;
    const running = yield* Effect.forkChild(work);
    const release = onSoftStop(() => {
      isStopped = true;
      told();
      running.interruptUnsafe();
    });
    const exit = yield* Fiber.await(running);
    release();
    if (!isStopped) yield* exit;
    return isStopped;
  });
