// A command's long work until it ends or a soft stop interrupts it.
// The trap: an interrupt waits for what is still said to the database, and a connection that is cut neither answers
// nor ends. So the work is left behind after a while; what it held is another's after its lease.
import { Deferred, Duration, Effect, Fiber } from "effect";
import { onSoftStop } from "./signals.ts";

/** Trainings end after their step, or are killed after 20 s; the rest is for the database. */
const patience = Duration.seconds(35);

/** True: it was stopped. `told` is called when that is asked for. */
export const untilStopped = <E, R>(
  work: Effect.Effect<unknown, E, R>,
  told: () => void,
): Effect.Effect<boolean, E, R> =>
  Effect.gen(function* () {
    const stop = yield* Deferred.make<void>();
    // Detached, since whoever forks a child waits for its end.
    const running = yield* Effect.forkDetach(work);
    const release = onSoftStop(() => {
      told();
      running.interruptUnsafe();
      Deferred.doneUnsafe(stop, Effect.void);
    });
    const given = Effect.andThen(Deferred.await(stop), Effect.sleep(patience));
    const exit = yield* Effect.raceFirst(Fiber.await(running), Effect.as(given, null)).pipe(
      Effect.onInterrupt(() => Effect.sync(() => running.interruptUnsafe())),
    );
    release();
    if (yield* Deferred.isDone(stop)) return true;
    yield* exit!;
    return false;
  });
